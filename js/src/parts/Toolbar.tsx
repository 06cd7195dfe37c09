// Controls in a row that wraps: choices, sliders, buttons.
import type { ComponentChildren } from "preact";

export function Toolbar({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <div class="toolbar" role="group" aria-label={label}>
      {children}
    </div>
  );
}

interface ButtonProps {
  label: string;
  about?: string;
  run: () => void;
  name?: string;
}

export function Button({ label, about, run, name }: ButtonProps) {
  return (
    <button type="button" class="button" title={about} data-cw={name} onClick={run}>
      {label}
    </button>
  );
}
