// The prediction that a view is about, in words.
import { labelText } from "../draw/label";

interface Output {
  target: string;
  /** "": the target alone. */
  against?: string;
  position: number;
  /** Over how many prompts it is; and whether they have it at different positions. */
  nPrompts?: number;
  byDistance?: boolean;
}

/** “the” (predicted after position 19), “Mary” against “John” (…), or the targets of 8 prompts (…) */
export function predicted(output: Output): string {
  const { target, against = "", position, nPrompts = 1, byDistance = false } = output;
  const quoted = (token: string) => `“${labelText(token, 20).trim()}”`;
  const other = against && ` against ${quoted(against)}`;
  const named = target ? `${quoted(target)}${other}` : "the targets";
  const of = nPrompts > 1 ? `${named} of ${nPrompts} prompts` : named;
  return byDistance ? of : `${of} (predicted after position ${position})`;
}
