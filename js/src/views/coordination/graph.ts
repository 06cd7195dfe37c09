// The significant pairs as a layered graph of heads.
import type { GraphData } from "../../draw/graph-layout";
import { nameOf } from "../../model/address";
import type { CoordinationRows } from "./rows";

/** More lines than this are a ball of wool: of more pairs the strongest are drawn. */
export const MOST_EDGES = 500;

export interface PairGraph {
  data: GraphData;
  /** Rows of the clustered matrix: of each node, and of each edge's ends. */
  heads: number[];
  ends: (readonly [number, number])[];
  /** How many pairs are significant, drawn or not. */
  significant: number;
}

export function pairGraph({ heads, value, q, fdr }: CoordinationRows): PairGraph {
  const n = heads.length;
  const all: [number, number][] = [];
  for (let i = 0; i < n; i++)
    for (let j = i + 1; j < n; j++) {
      if (!((q[i * n + j] ?? 1) < fdr)) continue;
      // An edge goes from the earlier layer to the later one.
      const early = (heads[i]?.[0] ?? 0) <= (heads[j]?.[0] ?? 0);
      all.push(early ? [i, j] : [j, i]);
    }
  const size = ([i, j]: readonly [number, number]) => Math.abs(value[i * n + j] ?? 0);
  all.sort((a, b) => size(b) - size(a));
  const ends = all.slice(0, MOST_EDGES);
  const used = [...new Set(ends.flat())].sort((i, j) => before(heads[i], heads[j]));
  const node = new Map(used.map((i, at) => [i, at]));
  const layers = [...new Set(used.map((i) => heads[i]?.[0] ?? 0))].sort((a, b) => a - b);
  return {
    data: {
      rows: layers.map(String),
      nodes: {
        row: Int32Array.from(used, (i) => layers.indexOf(heads[i]?.[0] ?? 0)),
        label: used.map((i) => nameOf(heads[i] ?? [0, 0])),
        place: null,
      },
      edges: {
        source: Int32Array.from(ends, ([i]) => node.get(i) ?? 0),
        target: Int32Array.from(ends, ([, j]) => node.get(j) ?? 0),
        weight: Float32Array.from(ends, ([i, j]) => value[i * n + j] ?? 0),
        label: null,
      },
    },
    heads: used,
    ends,
    significant: all.length,
  };
}

function before(a: readonly number[] = [], b: readonly number[] = []): number {
  return (a[0] ?? 0) - (b[0] ?? 0) || (a[1] ?? 0) - (b[1] ?? 0);
}
