// Checkpoints, phases and estimates in words.
import { grouped } from "../../draw/curves";
import { fixed, interval, isThere } from "../../draw/number";
import type { Estimates } from "../../wire/blocks";
import { phaseAt, type TrainingRows } from "./training-rows";

/** "0.31 (0.12 to 0.50)" */
export function estimateSaid(found: Estimates, at: number, digits = 2): string {
  const span = interval(found.low?.[at], found.high?.[at], digits);
  return `${fixed(found.value[at], digits)}${span && ` (${span})`}`;
}

/** "step 577" */
export const stepSaid = ({ steps }: TrainingRows, at: number): string =>
  `step ${grouped(steps[at] ?? 0)}`;

/** In which phase a checkpoint is, and whether the model does the task. */
export function stateSaid(rows: TrainingRows, at: number): string {
  const done = rows.members.done[at] ?? -1;
  if (done < 0) return "not reached yet";
  const kind = phaseAt(rows.phases, rows.steps[at] ?? 0)?.kind ?? "absent";
  const does = done === 1 ? "does the task" : "fails the task";
  // A phase has checkpoints of both sorts: its ends, and failures that were allowed.
  if (kind !== "absent") return `${kind} phase${done === 1 ? "" : `, ${does}`}`;
  return done === 1 || rows.members.edges[at] ? does : `no circuit: ${does}`;
}

/** What a checkpoint does, for the line below its loss. */
export function lossSaid(rows: TrainingRows, at: number): string {
  const { loss, accuracy } = rows;
  if (!isThere(loss.value[at])) return `${stepSaid(rows, at)}: not measured yet`;
  return `${stepSaid(rows, at)}: loss ${estimateSaid(loss, at)}, right answers ${estimateSaid(accuracy, at)}`;
}

/** How alike a checkpoint's circuit is to the one before. */
export function similarSaid(rows: TrainingRows, found: Estimates, at: number): string {
  const before = at > 0 ? `${stepSaid(rows, at - 1)} to ${grouped(rows.steps[at] ?? 0)}` : "";
  if (at === 0) return `${stepSaid(rows, 0)}: the first one; none is before it`;
  if (!isThere(found.value[at])) return `${before}: one of them has no circuit`;
  const sampled = interval(found.nullLow?.[at], found.nullHigh?.[at]);
  const alone = isThere(found.null?.[at])
    ? `; inside one checkpoint ${fixed(found.null?.[at])}${sampled && ` (${sampled})`}`
    : "";
  return `${before}: ${estimateSaid(found, at)}${alone}`;
}
