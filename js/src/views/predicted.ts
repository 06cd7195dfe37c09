// The prediction that a view is about, in words.
import { labelText } from "../draw/label";

/** “the” (predicted after position 19) */
export function predicted({ target, position }: { target: string; position: number }): string {
  return `“${labelText(target, 20).trim()}” (predicted after position ${position})`;
}
