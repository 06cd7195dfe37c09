// Which words of the text a head's hops mark, and how.
import type { WordArc, WordsLook } from "../../parts/Words";
import { highest, type InductionRows } from "./rows";
import { firstHopOf } from "./words";

/** The selected token's row; else that at which the head shows best what is meant. */
export function chosenRow({ repeats }: InductionRows, head: number, query: number | null): number {
  const selected = query === null ? -1 : repeats.position.indexOf(query);
  return selected >= 0 ? selected : Math.max(0, highest(repeats.attention[head] ?? []));
}

export function lookOf({ repeats }: InductionRows, head: number, row: number): WordsLook {
  const last = repeats.position[repeats.position.length - 1] ?? -1;
  const ground = new Float32Array(last + 1).fill(Number.NaN);
  // Even one that gets nothing is seen to have appeared earlier.
  for (const [i, position] of repeats.position.entries())
    ground[position] = 0.08 + 0.92 * (repeats.attention[head]?.[i] || 0);
  const [position, earlier] = [repeats.position[row], repeats.earlier[row] ?? -2];
  return {
    ground,
    signed: false,
    marks: {
      pinned: (token) => token === position,
      here: (token) => token === earlier || token === earlier + 1,
    },
  };
}

export function arcsOf(rows: InductionRows, head: number, row: number): WordArc[] {
  const { repeats } = rows;
  const [position, earlier] = [repeats.position[row], repeats.earlier[row]];
  if (position === undefined || earlier === undefined) return [];
  const hop = firstHopOf(rows, row);
  const weight = (values: Float32Array | undefined) => values?.[row] || 0;
  return [
    { from: position, to: earlier + 1, weight: weight(repeats.attention[head]) },
    { from: earlier + 1, to: earlier, weight: weight(repeats.firstHop[hop]) },
  ];
}
