// The prediction that a view is about, in words.
import { labelText } from "../draw/label";

interface Output {
  target: string;
  /** "": the target alone. */
  against?: string;
  position: number;
}

/** “the” (predicted after position 19), or “Mary” against “John” (…) */
export function predicted({ target, against = "", position }: Output): string {
  const quoted = (token: string) => `“${labelText(token, 20).trim()}”`;
  const other = against && ` against ${quoted(against)}`;
  return `${quoted(target)}${other} (predicted after position ${position})`;
}
