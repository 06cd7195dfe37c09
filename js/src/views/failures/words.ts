// What the failure browser says of cases, parts and fixes.
import { labelText } from "../../draw/label";
import { counted, fixed } from "../../draw/number";
import type { FailureRows } from "./rows";

export const quoted = (token: string): string => `“${labelText(token, 20).trim() || token}”`;

/** “5 failing cases, compared with 12 prompts that the model gets right” */
export function headingOf({ cases, compared, reference, nHealthy }: FailureRows): string {
  const beside =
    compared === "model"
      ? `the same prompts in ${reference}`
      : counted(nHealthy, "prompt that the model gets right", "prompts that the model gets right");
  return `${counted(cases.n, "failing case")}, compared with ${beside}`;
}

/** The end of a prompt: what the answer follows. */
export function tailOf(prompt: string, letters: number): string {
  const one = prompt.replace(/\s+/g, " ").trim();
  return one.length <= letters ? one : `…${one.slice(1 - letters)}`;
}

/** A share of false finds; one that is smaller than its digits is not 0. */
export const findsSaid = (q: number): string => (q < 0.001 ? "q < 0.001" : `q ${fixed(q, 3)}`);
