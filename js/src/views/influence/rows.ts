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
  /** What those two are: "95 % interval". */
  interval: string;
}

export interface InfluenceRows {
  position: number;
  target: string;
  /** Tokens from here on were written by the model. */
  nPrompt: number;
  effects: Effect[];
  written: Written;
  /** The effect of each token (row) on what is predicted after each (column). */
  pairs: Float32Array | null;
  /** Rank correlation of estimates with exact effects; null: all are exact. */
  screen: number | null;
}

export function readInfluence(topic: Topic): InfluenceRows {
  const [measures, outputs] = [topic.table("measures"), topic.table("outputs")];
  const estimates = measures?.columns.filter(({ role }) => role === "estimate") ?? [];
  const screen = topic.number("screen");
  return {
    position: topic.number("position") || 0,
    target: topic.text("target"),
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
    screen: Number.isNaN(screen) ? null : screen,
  };
}

function interval(table: Table | null, name: string): Interval {
  const none = new Float32Array(table?.rows ?? 0).fill(Number.NaN);
  if (!table) return { value: none, low: none, high: none, interval: "interval" };
  const { value, low, high, interval } = table.estimates(name);
  return { value, low: low ?? none, high: high ?? none, interval };
}
