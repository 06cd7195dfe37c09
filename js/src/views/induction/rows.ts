// What the views of induction show, as rows: read from the topic's message.
import type { HeadAt } from "../../model/address";
import type { Matrix, Topic } from "../../wire/blocks";
import { type Fact, type Row, readFacts, rows } from "../../wire/rows";

/** A previous-token head and the induction head that may be made with it; null: missing. */
export interface Pair {
  sender: [number, number];
  receiver: [number, number];
  q_z: number | null;
  k_z: number | null;
  v_z: number | null;
  path: number | null;
  low: number | null;
  high: number | null;
  null: number | null;
  null_high: number | null;
  confirmed: boolean;
}

/** A token that stood earlier, and what induction makes of it; lists go by head. */
export interface Repeat {
  position: number;
  earlier: number;
  attention: (number | null)[];
  chance: number;
  added: (number | null)[];
  added_chance: (number | null)[];
  first_hop: (number | null)[];
  probability: number;
  predicted: boolean;
  follows: boolean;
}

/** Pairs of heads (null: not looked for yet), and the trace of a prompt. */
export interface InductionTopic {
  facts: Fact[];
  pairs: Pair[] | null;
  /** So many tokens stand twice in the text, after `before` of them; 0: the text is no probe. */
  length: number;
  before: number;
  heads: HeadAt[];
  previous: HeadAt[];
  repeats: Repeat[];
}

export function readInduction(topic: Topic): InductionTopic {
  const pairs = topic.table("pairs");
  const heads = (name: string) => rows(topic.table(name), (row) => row.headHere("head"));
  return {
    facts: readFacts(topic),
    pairs: pairs && rows(pairs, readPair),
    length: topic.number("length") || 0,
    before: topic.number("before") || 0,
    heads: heads("heads"),
    previous: heads("previous"),
    repeats: readRepeats(topic),
  };
}

function readPair(row: Row): Pair {
  return {
    sender: row.headHere("sender"),
    receiver: row.headHere("receiver"),
    q_z: row.known("q_z"),
    k_z: row.known("k_z"),
    v_z: row.known("v_z"),
    path: row.known("path"),
    low: row.known("path_low"),
    high: row.known("path_high"),
    null: row.known("path_null"),
    null_high: row.known("path_null_high"),
    confirmed: row.flag("confirmed"),
  };
}

function readRepeats(topic: Topic): Repeat[] {
  const matrices = {
    attention: topic.matrix("attention"),
    added: topic.matrix("added"),
    added_chance: topic.matrix("added_chance"),
    first_hop: topic.matrix("first_hop"),
  };
  return rows(topic.table("repeats"), (row) => ({
    position: row.int("position"),
    earlier: row.int("earlier"),
    chance: row.number("chance"),
    probability: row.number("probability"),
    predicted: row.flag("predicted"),
    follows: row.flag("follows"),
  })).map((repeat, at) => ({
    ...repeat,
    attention: byHead(matrices.attention, at),
    added: byHead(matrices.added, at),
    added_chance: byHead(matrices.added_chance, at),
    first_hop: byHead(matrices.first_hop, at),
  }));
}

function byHead(matrix: Matrix | null, row: number): (number | null)[] {
  return Array.from({ length: matrix?.info.cols.n ?? 0 }, (_, col) => {
    const value = matrix?.at(row, col) ?? Number.NaN;
    return Number.isNaN(value) ? null : value;
  });
}
