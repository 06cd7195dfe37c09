// What the view of coordination shows, as typed columns: read from the topic's message.
import type { CoordinationTopic } from "../../contract.gen";
import type { EdgeAt, HeadAt } from "../../model/address";
import { floats } from "../../wire/client";

/** Two heads whose joint effect was measured by intervention. */
export interface Pair {
  a: HeadAt;
  b: HeadAt;
  type: string;
  /** "redundancy", "synergy", or nothing. */
  sign: string;
  value: number;
  q: number;
  path: Estimate;
  interaction: Estimate;
}

export interface Estimate {
  value: number;
  low: number;
  high: number;
}

export interface CoordinationRows {
  /** What was compared, as a sentence's subject, and the unit of its values. */
  title: string;
  unit: string;
  signed: boolean;
  /** A pair is significant below this q. */
  fdr: number;
  /** In clustered order, which is the matrices' too. */
  heads: HeadAt[];
  value: Float32Array;
  q: Float32Array;
  /** The largest |value| first. */
  pairs: Pair[];
}

const METHODS: Record<string, readonly [title: string, unit: string]> = {
  contribution: ["Correlation of the heads' contributions", "Spearman ρ"],
  pearson: ["Correlation of the heads' outputs", "Pearson r"],
  cka: ["Similarity of what the heads write", "CKA"],
  projection: ["Overlap of the spaces the heads can write to", "projection kernel"],
};

export function readCoordination(
  topic: CoordinationTopic,
  data: DataView,
): CoordinationRows | null {
  const { heads, order, method } = topic;
  const n = heads.length;
  if (data.byteLength < 8 * n * n) return null;
  const sorted = (plane: Float32Array): Float32Array => {
    const cells = new Float32Array(n * n);
    for (let row = 0; row < n; row++)
      for (let col = 0; col < n; col++)
        cells[row * n + col] = plane[(order[row] ?? 0) * n + (order[col] ?? 0)] ?? Number.NaN;
    return cells;
  };
  const [title, unit] = METHODS[method] ?? [method, ""];
  return {
    ...{ title, unit, signed: topic.signed, fdr: topic.fdr },
    heads: order.map((i) => heads[i] as HeadAt),
    value: sorted(floats(data, 0, n * n)),
    q: sorted(floats(data, 4 * n * n, n * n)),
    pairs: topic.pairs
      .map(
        (pair): Pair => ({
          ...{ a: pair.a, b: pair.b, type: pair.type, sign: pair.sign },
          value: pair.value ?? Number.NaN,
          q: pair.q ?? Number.NaN,
          path: estimate(pair.path, pair.path_low, pair.path_high),
          interaction: estimate(pair.interaction, pair.interaction_low, pair.interaction_high),
        }),
      )
      .sort((one, other) => Math.abs(other.value) - Math.abs(one.value)),
  };
}

function estimate(value: number | null, low: number | null, high: number | null): Estimate {
  const known = (number: number | null): number => number ?? Number.NaN;
  return { value: known(value), low: known(low), high: known(high) };
}

/** The strongest pair that was tested; where none was, of all pairs. */
export function strongest({ pairs, heads, value }: CoordinationRows): EdgeAt | null {
  if (pairs[0]) return { sender: pairs[0].a, receiver: pairs[0].b };
  const n = heads.length;
  let [best, most] = [null as EdgeAt | null, 0];
  for (let row = 0; row < n; row++)
    for (let col = row + 1; col < n; col++) {
      const [a, b] = [heads[row], heads[col]];
      const size = Math.abs(value[row * n + col] ?? 0);
      if (!(size > most) || !a || !b) continue;
      most = size;
      best = a[0] <= b[0] ? { sender: a, receiver: b } : { sender: b, receiver: a };
    }
  return best;
}
