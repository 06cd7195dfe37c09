// What is under the pointer, in words: a line with a place of its own, so that nothing moves; or, with
// `at`, a small box beside the pointer (in a positioned parent).
//
// Stable props: `name`, `children` (null: nothing is pointed at), `at`, `live` (announced, for keys).
import type { ComponentChildren } from "preact";

interface Props {
  name: string;
  children: ComponentChildren;
  /** In px of the parent; the box turns over before it leaves a parent of this width. */
  at?: { x: number; y: number; width: number } | null;
  live?: boolean;
}

export function Tooltip({ name, children, at, live = false }: Props) {
  const announced = live ? "polite" : "off";
  if (at === undefined)
    return (
      <p class="tip" data-cw={`${name}-tip`} aria-live={announced}>
        {children ?? "\u00a0"}
      </p>
    );
  if (at === null || children === null) return null;
  const side =
    at.x > at.width / 2 ? { right: `${at.width - at.x + 10}px` } : { left: `${at.x + 10}px` };
  return (
    <div
      class="tip-box"
      data-cw={`${name}-tip`}
      role="tooltip"
      style={{ top: `${at.y + 10}px`, ...side }}
    >
      {children}
    </div>
  );
}
