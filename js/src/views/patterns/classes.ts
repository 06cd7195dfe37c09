// Which class of patterns a head is of, by thresholds that one may move: the rule that Python has
// (`AttentionPatterns.labels`), held to it by tests/golden/classes.json.
import { counted, fixed } from "../../draw/number";
import type { Plane } from "../../model/planes";

export interface Kind {
  name: string;
  label: string;
  description: string;
  function: string;
  /** The score that decides. */
  score: string;
  threshold: number;
  /** What the highest of as many random heads as the model has would score; NaN: not known. */
  highest: number;
}

export const OTHER = "other";
/** A class would hold by the value, but there is no interval, as with one text. */
export const UNSURE = "unsure";
/** Nothing was computed for the head. */
export const MISSING = "missing";

/**
 * Whether a head is of a class: its interval is above the threshold, above its baseline, and above
 * the highest of as many random heads. "maybe": its value is, and there is no interval.
 */
export function holds(
  plane: Plane,
  index: number,
  threshold: number,
  highest: number,
): boolean | "maybe" {
  // A comparison with NaN is false: without its baseline, a class does not hold.
  const bar = plane.control
    ? known(plane.bar?.[index], plane.control[index])
    : (plane.about.chance ?? Number.NaN);
  const above = (end: number, most: number) =>
    end > Math.fround(threshold) && end > Math.fround(bar) && end > Math.fround(most);
  const low = plane.low?.[index] ?? Number.NaN;
  if (above(low, highest)) return true;
  if (!Number.isNaN(low) && !Number.isNaN(highest)) return false;
  const value = plane.value[index] ?? Number.NaN;
  return above(value, known(highest, Number.NEGATIVE_INFINITY)) ? "maybe" : false;
}

/** The first class that holds names a head; it is unsure where one only might. */
export function labelled(
  kinds: readonly Kind[],
  planes: readonly Plane[],
  thresholds: Readonly<Record<string, number>>,
  count: number,
): string[] {
  const of = new Map(planes.map((plane) => [plane.about.name, plane]));
  return Array.from({ length: count }, (_, index) => {
    const held = kinds.map(({ name, score, threshold, highest }) => {
      const plane = of.get(score);
      return plane ? holds(plane, index, thresholds[name] ?? threshold, highest) : false;
    });
    const kind = kinds[held.indexOf(true)];
    if (kind) return kind.name;
    if (held.includes("maybe")) return UNSURE;
    return planes.some((plane) => !Number.isNaN(plane.value[index] ?? Number.NaN))
      ? OTHER
      : MISSING;
  });
}

function known(value: number | undefined, otherwise: number | undefined): number {
  return value === undefined || Number.isNaN(value) ? (otherwise ?? Number.NaN) : value;
}

/** What a class's score is of is what is shown: its control says that it is of random sequences. */
export function picturesOf<T>(own: Plane | undefined, onPrompt: T | null, onRepeats: T | null) {
  return own?.control && onRepeats ? onRepeats : onPrompt;
}

/** In words what an interval has to be above, and of how many samples it is. */
export function aboveWhat(
  { name, threshold, highest }: Kind,
  own: Plane | undefined,
  thresholds: Readonly<Record<string, number>>,
  { prompts, sequences }: { prompts: number; sequences: number },
): string {
  const interval = own?.about.interval || "interval";
  const [n, unit] = own?.control ? [sequences, "random sequence"] : [prompts, "prompt"];
  const random = Number.isNaN(highest)
    ? "random heads, which are not computed"
    : `the highest of as many random heads, ${fixed(highest)}`;
  if (highest >= 1)
    return "Most heads of this model are uniform, as in an untrained one: this sets none apart.";
  const control = own?.control ? ", its control" : "";
  const shown = n > 1 ? ", the first one shown" : "";
  return `${interval} above ${fixed(thresholds[name] ?? threshold)}${control} and ${random}; n = ${counted(n, unit)}${shown}`;
}
