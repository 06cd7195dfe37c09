// What the trace says of a repeated token, in a sentence.
import { fixed } from "../../draw/number";
import { type HeadAt, nameOf } from "../../model/address";
import { highest, type InductionRows } from "./rows";

/** The previous-token head that found a row's token; -1: none is known. */
export function firstHopOf({ repeats }: InductionRows, row: number): number {
  return highest(repeats.firstHop.map((values) => values[row] ?? Number.NaN));
}

/** `word`: a token in quotes, by its position. */
export function hopInWords(
  rows: InductionRows,
  row: number,
  head: number,
  word: (position: number) => string,
): string {
  const { repeats, heads, previous } = rows;
  const [at, earlier] = [repeats.position[row] ?? 0, repeats.earlier[row] ?? 0];
  const then = earlier + 1;
  const added = repeats.added[head]?.[row] ?? Number.NaN;
  const name = nameOf(heads[head] as HeadAt);
  const hop = firstHopOf(rows, row);
  return [
    `${word(at)} (${at}) also appeared at ${earlier}, followed by ${word(then)}.`,
    `${name} attends to that ${word(then)} (${then}) with ${fixed(repeats.attention[head]?.[row])} (chance ${fixed(repeats.chance[row])})`,
    `and ${added < 0 ? "lowers" : "raises"} the logit of ${word(then)} by ${fixed(Math.abs(added))} (other tokens: ${fixed(repeats.addedOther[head]?.[row])}).`,
    hop < 0
      ? ""
      : `There, ${nameOf(previous[hop] as HeadAt)} attends to the previous token with ${fixed(repeats.firstHop[hop]?.[row])}.`,
  ]
    .join(" ")
    .trim();
}
