// Which class of patterns a head is of, by thresholds that one may move: the rule that Python has
// (`AttentionPatterns.labels`), held to it by tests/golden/classes.json.
import type { Plane } from "../../model/planes";

export interface Kind {
  name: string;
  label: string;
  description: string;
  function: string;
  /** The score that decides. */
  score: string;
  threshold: number;
}

export const OTHER = "other";
/** Nothing was computed for the head. */
export const MISSING = "missing";

/** Whether a head is of a class: beyond the threshold and beyond its baseline, not just by its mean. */
export function holds(plane: Plane, index: number, threshold: number): boolean {
  const sure = known(plane.low?.[index], plane.value[index]);
  // A comparison with NaN is false: without its baseline, a class does not hold.
  const bar = plane.control
    ? known(plane.bar?.[index], plane.control[index])
    : (plane.about.chance ?? Number.NaN);
  return sure > Math.fround(threshold) && sure > Math.fround(bar);
}

/** The first class that holds names a head. */
export function labelled(
  kinds: readonly Kind[],
  planes: readonly Plane[],
  thresholds: Readonly<Record<string, number>>,
  count: number,
): string[] {
  const of = new Map(planes.map((plane) => [plane.about.name, plane]));
  return Array.from({ length: count }, (_, index) => {
    const kind = kinds.find((kind) => {
      const plane = of.get(kind.score);
      return plane && holds(plane, index, thresholds[kind.name] ?? kind.threshold);
    });
    if (kind) return kind.name;
    return planes.some((plane) => !Number.isNaN(plane.value[index] ?? Number.NaN))
      ? OTHER
      : MISSING;
  });
}

function known(value: number | undefined, otherwise: number | undefined): number {
  return value === undefined || Number.isNaN(value) ? (otherwise ?? Number.NaN) : value;
}
