// What the induction view shows, read from its message once.
import type { EdgeAt, HeadAt } from "../../model/address";
import type { Estimates, Table, Topic } from "../../wire/blocks";
import { type Fact, readFacts, rows } from "../../wire/rows";

/** Numbers a row; NaN: missing. */
type Column = Float32Array;

export interface Pairs {
  edges: readonly EdgeAt[];
  path: Column;
  low: Column;
  high: Column;
  /** What those two are: "95 % interval". */
  interval: string;
  /** Random senders: their mean, and below what one of them would be. */
  baseline: Column;
  baselineHigh: Column;
  /** The path as a share of the induction head's prefix matching. */
  share: Column;
  /** Below it a share confirms nothing. */
  leastShare: number;
  /** How many other earlier heads in a hundred compose less with the same head. */
  kPercentile: Column;
  kz: Column;
  qz: Column;
  vz: Column;
  confirmed: Uint8Array;
  /** Why a pair is not confirmed; "" where it is. */
  whyNot: readonly string[];
}

/** Tokens that stood earlier in the text, and what each head makes of them. */
export interface Repeats {
  position: Int32Array;
  earlier: Int32Array;
  /** By head, then by row. */
  attention: readonly Column[];
  added: readonly Column[];
  addedOther: readonly Column[];
  firstHop: readonly Column[];
  chance: Column;
  probability: Column;
  predicted: Uint8Array;
  follows: Uint8Array;
}

/** Of a trace of several prompts. */
export interface Means {
  nPrompts: number;
  /** Means over prompts, a head. */
  attention: Estimates;
  added: Estimates;
  firstHop: Estimates;
  /** The first prompts: their texts, repeated tokens, and the probability of what followed. */
  texts: readonly string[];
  n: Column;
  probability: Column;
  /** Of one induction head by prompt. */
  attentionOf(head: number): Column;
  addedOf(head: number): Column;
}

export interface InductionRows {
  facts: readonly Fact[];
  /** Null: not looked for yet. */
  pairs: Pairs | null;
  /** Tokens that stand twice in the text, after so many; 0: the text is no probe. */
  length: number;
  before: number;
  /** Of a trace: induction heads and previous-token heads. */
  heads: readonly HeadAt[];
  previous: readonly HeadAt[];
  repeats: Repeats;
  /** Null: no trace of several prompts. */
  means: Means | null;
}

export function readInduction(topic: Topic): InductionRows {
  const heads = (name: string) => rows(topic.table(name), (row) => row.headHere("head"));
  const [induction, previous] = [heads("heads"), heads("previous")];
  return {
    facts: readFacts(topic),
    pairs: readPairs(topic.table("pairs"), topic.number("least_share")),
    length: topic.number("length") || 0,
    before: topic.number("before") || 0,
    heads: induction,
    previous,
    repeats: readRepeats(topic, induction.length, previous.length),
    means: readMeans(topic),
  };
}

function readMeans(topic: Topic): Means | null {
  const [second, first] = [topic.table("means"), topic.table("first_means")];
  const prompts = topic.table("prompts");
  if (!second || !first || !prompts) return null;
  const byPrompt = (name: string) => (head: number) =>
    Float32Array.from(
      { length: prompts.rows },
      (_, row) => topic.matrix(`${name}_by_prompt`)?.at(row, head) ?? Number.NaN,
    );
  return {
    nPrompts: topic.number("n_prompts") || 0,
    attention: second.estimates("attention"),
    added: second.estimates("added"),
    firstHop: first.estimates("first_hop"),
    texts: prompts.texts("text"),
    n: prompts.numbers("n"),
    probability: prompts.numbers("probability"),
    attentionOf: byPrompt("attention"),
    addedOf: byPrompt("added"),
  };
}

function readPairs(table: Table | null, leastShare: number): Pairs | null {
  if (!table) return null;
  const none = new Float32Array(table.rows).fill(Number.NaN);
  const { value, low, high, interval, null: baseline, nullHigh } = table.estimates("path");
  return {
    edges: rows(table, (row) => ({
      sender: row.headHere("sender"),
      receiver: row.headHere("receiver"),
    })),
    path: value,
    low: low ?? none,
    high: high ?? none,
    interval,
    baseline: baseline ?? none,
    baselineHigh: nullHigh ?? none,
    share: table.numbers("path_share"),
    leastShare,
    kPercentile: table.numbers("k_percentile"),
    kz: table.numbers("k_z"),
    qz: table.numbers("q_z"),
    vz: table.numbers("v_z"),
    confirmed: table.flags("confirmed"),
    whyNot: rows(table, (row) => row.text("why_not")),
  };
}

function readRepeats(topic: Topic, heads: number, previous: number): Repeats {
  const table = topic.table("repeats");
  const byHead = (name: string, count: number) =>
    Array.from({ length: count }, (_, head) =>
      Float32Array.from(
        { length: table?.rows ?? 0 },
        (_, row) => topic.matrix(name)?.at(row, head) ?? Number.NaN,
      ),
    );
  return {
    position: table?.ints("position") ?? new Int32Array(),
    earlier: table?.ints("earlier") ?? new Int32Array(),
    attention: byHead("attention", heads),
    added: byHead("added", heads),
    addedOther: byHead("added_chance", heads),
    firstHop: byHead("first_hop", previous),
    chance: table?.numbers("chance") ?? new Float32Array(),
    probability: table?.numbers("probability") ?? new Float32Array(),
    predicted: table?.flags("predicted") ?? new Uint8Array(),
    follows: table?.flags("follows") ?? new Uint8Array(),
  };
}

/** Where a column is highest; -1: nowhere. */
export function highest(values: ArrayLike<number>): number {
  let best = -1;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (!Number.isNaN(value) && (best < 0 || value > (values[best] as number))) best = i;
  }
  return best;
}
