// What the view of coordination shows, as typed columns: read from the topic's message.

import type { EdgeAt, HeadAt } from "../../model/address";
import type { Topic } from "../../wire/blocks";
import { type Row, rows } from "../../wire/rows";

/** Two heads whose joint effect was measured by intervention. */
export interface Pair {
  a: HeadAt;
  b: HeadAt;
  type: string;
  /** "redundancy", "synergy", or nothing. */
  sign: string;
  /** Why there is no type. */
  reason: string;
  /** The head that reads both, and what it hears from each. */
  reader: string;
  heard: readonly [a: number, b: number];
  value: number;
  q: number;
  path: Estimate;
  /** Where one more random path would be. */
  others: readonly [low: number, high: number];
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
  /** Of a pair without a q, why it has none, in a sentence; else nothing. */
  why: (at: number) => string;
  /** How many pairs are significant, or what could have been, in sentences. */
  significance: string[];
  /** The largest |value| first. */
  pairs: Pair[];
  /** An effect inside ± this is as good as none. */
  equivalence: number;
  /** What the intervals of pairs are: "95 % interval". */
  interval: string;
}

const METHODS: Record<string, readonly [title: string, unit: string]> = {
  contribution: ["Correlation of the heads' contributions", "Spearman ρ"],
  pearson: ["Correlation of the heads' outputs", "Pearson r"],
  cka: ["Similarity of what the heads write", "CKA"],
  projection: ["Overlap of the spaces the heads can write to", "projection kernel"],
};

export function readCoordination(topic: Topic): CoordinationRows | null {
  const [value, q] = [topic.matrix("value"), topic.matrix("q")];
  if (!value || !q) return null;
  const [method, pairs] = [topic.text("method"), topic.table("pairs")];
  const [title, unit] = METHODS[method] ?? [method, ""];
  const why = topic.matrix("why")?.values;
  const reasons = rows(topic.table("reasons"), (row) => row.text("reason"));
  return {
    ...{ title, unit, signed: topic.flag("signed"), fdr: topic.number("fdr") },
    heads: value.info.rows.heads ?? [],
    value: value.values,
    q: q.values,
    why: (at) => reasons[why?.[at] ?? -1] ?? "",
    significance: topic.text("significance").split("\n").filter(Boolean),
    pairs: rows(pairs, readPair).sort((one, other) => Math.abs(other.value) - Math.abs(one.value)),
    equivalence: topic.number("equivalence"),
    interval: pairs?.of("path", "low")?.about || "interval",
  };
}

function readPair(row: Row): Pair {
  const estimate = (name: string): Estimate => ({
    value: row.number(name),
    low: row.number(`${name}_low`),
    high: row.number(`${name}_high`),
  });
  return {
    ...{ a: row.headHere("a"), b: row.headHere("b") },
    ...{ type: row.text("type"), sign: row.text("sign"), reason: row.text("reason") },
    ...{ reader: row.text("reader"), heard: [row.number("reader_a"), row.number("reader_b")] },
    ...{ value: row.number("value"), q: row.number("q") },
    path: estimate("path"),
    others: [row.number("path_null_low"), row.number("path_null_high")],
    interaction: estimate("interaction"),
  };
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
