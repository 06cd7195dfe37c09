// What the view of optimization shows, as typed columns: read from the topic's message.
import { fixed, isThere } from "../../draw/number";
import type { HeadAt } from "../../model/address";
import type { Estimates, Topic } from "../../wire/blocks";
import { type Fact, type Row, readFacts, rows } from "../../wire/rows";

export interface Suggested {
  kind: string;
  components: string;
  head: HeadAt | null;
  evidence: string;
  missing: string;
  state: string;
}

/** What a model costs at a point; NaN: not measured. */
export interface Costs {
  parameters: Float32Array;
  bytes: Float32Array;
  cache: Float32Array;
  seconds: Float32Array;
  /** Of the whole model, by turns with it. */
  whole: Float32Array;
  /** Which share of that time, in percent. */
  saved: Estimates | null;
}

export interface OptimizationRows {
  task: string;
  /** The last point within the tolerance, in percent; 0: none. */
  chosen: number;
  tolerance: number;
  nScored: number;
  nHeldOut: number;
  nHeads: number;
  /** Why heads cannot be sliced away, and what was not looked for; or nothing. */
  unsliced: string;
  skipped: string;
  complete: boolean;
  facts: Fact[];
  /** How many heads are gone at each point, and in which order they go. */
  sizes: Int32Array;
  order: readonly HeadAt[];
  /** In percent. */
  rise: Estimates | null;
  best: Float32Array;
  costs: Costs;
  suggestions: Suggested[];
  effect: Estimates | null;
}

export function readOptimization(topic: Topic): OptimizationRows {
  const [points, order] = [topic.table("points"), topic.table("order")];
  const made = topic.table("suggestions");
  const column = (name: string) => points?.numbers(name) ?? new Float32Array();
  return {
    task: topic.text("task"),
    chosen: topic.number("chosen") || 0,
    tolerance: topic.number("tolerance"),
    nScored: topic.number("n_scored"),
    nHeldOut: topic.number("n_held_out"),
    nHeads: topic.number("n_heads"),
    unsliced: topic.text("unsliced"),
    skipped: topic.text("skipped"),
    complete: topic.flag("complete"),
    facts: readFacts(topic),
    sizes: points?.ints("heads") ?? new Int32Array(),
    order: (order?.heads("head") ?? []).filter((at) => at !== null),
    rise: points?.estimates("rise") ?? null,
    best: column("best_random"),
    costs: {
      parameters: column("parameters"),
      bytes: column("bytes"),
      cache: column("cache_bytes"),
      seconds: column("seconds"),
      whole: column("whole_seconds"),
      saved: points?.estimates("saved") ?? null,
    },
    suggestions: rows(made, suggested),
    effect: made?.estimates("value") ?? null,
  };
}

function suggested(row: Row): Suggested {
  return {
    kind: row.text("kind").replaceAll("_", " "),
    components: row.text("components"),
    head: row.head("head"),
    evidence: row.text("evidence"),
    missing: row.text("missing"),
    state: row.text("state"),
  };
}

/** The heads that are gone at a point, in the model's order. */
export function goneAt({ sizes, order }: OptimizationRows, at: number): HeadAt[] {
  const gone = order.slice(0, sizes[at] ?? 0);
  return gone.sort((one, other) => one[0] - other[0] || one[1] - other[1]);
}

/** A line of Python that makes this model. */
export function asPython(gone: readonly HeadAt[]): string {
  return gone.length === 0
    ? "small = model"
    : `small = cw.prune_heads(model, [${gone.map(([layer, head]) => `"${layer}.${head}"`).join(", ")}])`;
}

/** “33 of 270 heads pruned: loss +0.61 % (95 % interval 0.40 to 0.80 %); random heads +14.20 %” */
export function pointSaid(shown: OptimizationRows, at: number): string {
  const { sizes, nHeads, rise, best } = shown;
  const heads = `${sizes[at] ?? 0} of ${nHeads} heads pruned`;
  const value = rise?.value[at];
  if (!isThere(value)) return `${heads}: not measured`;
  const [low, high] = [rise?.low?.[at], rise?.high?.[at]];
  const ends = isThere(low) ? ` (${rise?.interval} ${fixed(low)} to ${fixed(high)} %)` : "";
  const random = rise?.null?.[at];
  const bests = isThere(best[at]) ? `, the best of them on the other texts ${more(best[at])}` : "";
  const beside = isThere(random) ? `; random heads ${more(random)}${bests}` : "";
  return `${heads}: loss ${more(value)}${ends}${beside}`;
}

/** +0.40 %, −1.01 % */
function more(value: number): string {
  return `${value >= 0.005 ? "+" : ""}${fixed(value)} %`;
}

const SCALES: readonly (readonly [number, string])[] = [
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];

/** 134.5 M, 538 MB. */
export function large(value: number | undefined, unit = ""): string {
  if (!isThere(value)) return "–";
  const [by, prefix] = SCALES.find(([by]) => value >= by) ?? [1, ""];
  const written = by === 1 ? String(value) : fixed(value / by, 1);
  return [written, `${prefix}${unit}`].filter(Boolean).join(" ");
}

export interface Cost {
  name: string;
  about: string;
  whole: string;
  less: string;
  saved: string;
}

/** What the model at a point costs, beside the whole one. */
export function costsAt({ costs }: OptimizationRows, at: number): Cost[] {
  const saved = (whole: number | undefined, less: number | undefined) =>
    isThere(whole) && isThere(less) && whole > 0 ? `${fixed(100 * (1 - less / whole), 1)} %` : "–";
  const counted = (name: string, about: string, from: Float32Array, unit: string): Cost => ({
    ...{ name, about, whole: large(from[0], unit), less: large(from[at], unit) },
    saved: saved(from[0], from[at]),
  });
  const [whole, less] = [costs.whole[at], costs.seconds[at]];
  const time = (seconds: number | undefined) =>
    isThere(seconds) ? `${fixed(1000 * seconds, 1)} ms` : "–";
  return [
    counted("parameters", "Numbers that are learned, each once.", costs.parameters, ""),
    counted("memory", "Of all parameters.", costs.bytes, "B"),
    counted("KV cache", "Of keys and values, a token.", costs.cache, "B"),
    {
      name: "a pass",
      about: isThere(less)
        ? "The median of some passes of each model by turns. What is saved is resolved where the interval of these turns is on one side of 0; it takes 6 turns at 95 %."
        : "Not measured: ask for it with passes=6.",
      ...{ whole: time(whole), less: time(less), saved: timeSaved(costs.saved, at) },
    },
  ];
}

/** 8.1 %; a time is a finding only where its interval is on one side of 0. */
function timeSaved(saved: Estimates | null, at: number): string {
  const value = saved?.value[at];
  if (!isThere(value)) return "–";
  const [low, high] = [saved?.low?.[at], saved?.high?.[at]];
  return isThere(low) && isThere(high) && low * high > 0 ? `${fixed(value, 1)} %` : "not resolved";
}

/** “A pass saves 8.0 % of its time (95 % interval 6.0 to 9.9 %).”, or nothing where it was not timed. */
export function timeSaid({ costs: { saved } }: OptimizationRows, at: number): string {
  const value = saved?.value[at];
  if (!isThere(value)) return "";
  const [low, high] = [saved?.low?.[at], saved?.high?.[at]];
  const ends =
    isThere(low) && isThere(high)
      ? `${saved?.interval} ${fixed(low, 1)} to ${fixed(high, 1)} %`
      : "too few passes for an interval";
  return `A pass saves ${fixed(value, 1)} % of its time (${ends}).`;
}
