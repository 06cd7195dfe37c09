// What the view of influence shows, as typed columns: read from the topic's message.
import type { InfluenceTopic } from "../../contract.gen";
import { floats } from "../../wire/client";

/** A number a position, with its interval; NaN: missing. */
export interface Effect {
  name: string;
  label: string;
  about: string;
  unit: string;
  /** Whether it can be below 0. */
  signed: boolean;
  value: Float32Array;
  low: Float32Array;
  high: Float32Array;
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

export function readInfluence(topic: InfluenceTopic, data: DataView, n: number): InfluenceRows {
  const { outputs } = topic;
  const hasPairs = topic.pairs && n > 0 && data.byteLength >= 4 * n * n;
  return {
    position: topic.position,
    target: topic.target,
    nPrompt: topic.n_prompt,
    effects: topic.measures.map(({ value, low, high, ...about }) => ({
      ...about,
      signed: about.name === "logp",
      value: column(value),
      low: column(low),
      high: column(high),
    })),
    written: {
      position: Int32Array.from(outputs, (o) => o.position),
      own: {
        value: column(outputs.map((o) => o.own)),
        low: column(outputs.map((o) => o.own_low)),
        high: column(outputs.map((o) => o.own_high)),
      },
      prompt: {
        value: column(outputs.map((o) => o.prompt)),
        low: column(outputs.map((o) => o.prompt_low)),
        high: column(outputs.map((o) => o.prompt_high)),
      },
    },
    pairs: hasPairs ? floats(data, 0, n * n) : null,
    screen: topic.screen,
  };
}

function column(values: readonly (number | null)[]): Float32Array {
  return Float32Array.from(values, (value) => value ?? Number.NaN);
}
