// What the view of influence shows, as typed columns: read from the topic's message.
import type { Table, Topic } from "../../wire/blocks";

/** A number a position, with its interval; NaN: missing. */
export interface Effect extends Interval {
  name: string;
  label: string;
  about: string;
  unit: string;
  /** Whether it can be below 0. */
  signed: boolean;
}

/** What a written token depended on: on earlier written ones, and on the prompt. */
export interface Written {
  position: Int32Array;
  own: Interval;
  prompt: Interval;
}

export interface Interval {
  value: Float32Array;
  low: Float32Array;
  high: Float32Array;
  /** What noise alone would make of it: its mean, and the most; NaN: not measured. */
  null: Float32Array;
  nullHigh: Float32Array;
  /** What those two are: "95 % interval". */
  interval: string;
}

/** Of several prompts, in common columns. */
export interface Several {
  /** How many have a token at each position, and which these are ("": all the same). */
  n: Int32Array;
  others: readonly string[];
  /** The first prompts with their targets, and the tokens of each by position ("": none). */
  texts: readonly string[];
  targets: readonly string[];
  token(prompt: number, position: number): string;
  /** Each one's own effects by measure, prompt after prompt; NaN: missing. */
  values(measure: string): Float32Array | null;
}

export interface InfluenceRows {
  position: number;
  target: string;
  /** The token that the target is held against; "": none. */
  against: string;
  /** Tokens from here on were written by the model. */
  nPrompt: number;
  effects: Effect[];
  written: Written;
  /** The effect of each token (row) on what is predicted after each (column). */
  pairs: Float32Array | null;
  /** What each token was replaced by, in words. */
  replacedBy: string;
  /** Whether these are all that can stand there, so that means have no sampling error. */
  enumerated: boolean;
  nPrompts: number;
  /** Whether prompts have the output at different positions: then they are aligned at it. */
  byDistance: boolean;
  /** Null: one prompt. */
  several: Several | null;
}

export function readInfluence(topic: Topic): InfluenceRows {
  const [measures, outputs] = [topic.table("measures"), topic.table("outputs")];
  const estimates = measures?.columns.filter(({ role }) => role === "estimate") ?? [];
  return {
    position: topic.number("position") || 0,
    target: topic.text("target"),
    against: topic.text("against"),
    nPrompt: topic.number("n_prompt") || 0,
    effects: estimates.map(({ name, label, about, unit }) => ({
      ...{ name, label, about, unit },
      signed: name === "logp",
      ...interval(measures, name),
    })),
    written: {
      position: outputs?.ints("position") ?? new Int32Array(),
      own: interval(outputs, "own"),
      prompt: interval(outputs, "prompt"),
    },
    pairs: topic.matrix("effects")?.values ?? null,
    replacedBy: topic.text("replaced_by"),
    enumerated: topic.flag("enumerated"),
    nPrompts: topic.number("n_prompts") || 1,
    byDistance: topic.flag("by_distance"),
    several: readSeveral(topic, measures),
  };
}

function readSeveral(topic: Topic, measures: Table | null): Several | null {
  const [prompts, tokens] = [topic.table("prompts"), topic.table("tokens")];
  if (!prompts || !tokens || !measures) return null;
  const shown = tokens.texts("token");
  return {
    n: measures.ints("n"),
    others: measures.texts("others"),
    texts: prompts.texts("text"),
    targets: prompts.texts("target"),
    token: (prompt, position) => shown[prompt * measures.rows + position] ?? "",
    values: (measure) => topic.matrix(`${measure}_by_prompt`)?.values ?? null,
  };
}

function interval(table: Table | null, name: string): Interval {
  const none = new Float32Array(table?.rows ?? 0).fill(Number.NaN);
  const missing = { low: none, high: none, null: none, nullHigh: none };
  if (!table) return { value: none, ...missing, interval: "interval" };
  const { value, low, high, interval, null: null_, nullHigh } = table.estimates(name);
  return {
    value,
    low: low ?? none,
    high: high ?? none,
    null: null_ ?? none,
    nullHigh: nullHigh ?? none,
    interval,
  };
}
