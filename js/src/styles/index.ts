// The styles of a view: what every view has, and what its parts bring with them. A bundle carries no
// others. A view's own stand after them.
import base from "./base.css";
import forcedColors from "./forced-colors.css";
import frame from "./frame.css";
import stack from "./stack.css";
import toolbar from "./toolbar.css";
import tooltip from "./tooltip.css";

const brought = new Set<string>();

/** A part's own style file, given once where the part is. */
export function bring(sheet: string): void {
  brought.add(sheet);
}

export function styles(): string {
  return [base, frame, toolbar, stack, tooltip, ...brought, forcedColors].join("\n");
}
