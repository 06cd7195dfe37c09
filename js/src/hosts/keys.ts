// Keys inside a view: those that mean something here are kept from the notebook, no others.
import type { Commands } from "../model/commands";

const FIELD = "textarea, input, select, [contenteditable]";
const EDITING = new Set(["a", "c", "v", "x", "y", "z", "arrowleft", "arrowright", "backspace"]);

/** Which element a key goes to, inside shadow roots. */
function targetOf(event: Event): Element | null {
  const target = event.composedPath()[0];
  return target && "matches" in target ? (target as Element) : null;
}

/** A field has its own use for keys, and for a few chords; Ctrl + S is not among them. */
function isFields(event: KeyboardEvent): boolean {
  if (event.altKey) return false;
  const chord = event.ctrlKey || event.metaKey;
  return !chord || EDITING.has(event.key.toLowerCase());
}

/** A button is pressed with them. */
function isActivation(event: KeyboardEvent, target: Element | null): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const presses = event.key === "Enter" || event.key === " ";
  return presses && target?.matches("button, a, summary, [role=button], [role=option]") === true;
}

/** A part that has the focus has keys of its own, and says which: data-keys="ArrowLeft Enter". */
function isParts(event: KeyboardEvent, target: Element | null): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const keys = target?.closest<HTMLElement>("[data-keys]")?.dataset.keys;
  return keys?.split(" ").includes(event.code) ?? false;
}

/**
 * JupyterLab's listener sits on the document, in the capture phase, and would take arrows, J and K
 * for the notebook. It leaves a key alone where an ancestor of its target says so at that moment:
 * the window hears of the key before the document does.
 */
export function ownKeys(host: HTMLElement, commands: Commands, signal: AbortSignal): void {
  const view = host.ownerDocument.defaultView ?? window;
  view.addEventListener(
    "keydown",
    (event) => {
      if (!event.composedPath().includes(host)) return;
      const target = targetOf(event);
      const ours = target?.matches(FIELD)
        ? isFields(event)
        : isActivation(event, target) || isParts(event, target) || commands.of(event) !== null;
      if (ours) host.dataset.lmSuppressShortcuts = "true";
      else delete host.dataset.lmSuppressShortcuts;
    },
    { capture: true, signal },
  );
  host.addEventListener(
    "keydown",
    (event) => {
      if (event.defaultPrevented || targetOf(event)?.matches(FIELD)) return;
      if (!commands.press(event)) return;
      event.preventDefault();
      event.stopPropagation();
    },
    { signal },
  );
}
