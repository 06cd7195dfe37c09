// What the view of flow between layers shows, as typed columns: read from the topic's message.
import type { HeadAt } from "../../model/address";
import type { Estimates, Matrix, Topic } from "../../wire/blocks";
import { rows } from "../../wire/rows";

export interface Level {
  name: string;
  /** Rows of the diagram: 0 is the embedding, the last the output. */
  first: number;
  last: number;
  /** Between which rows it begins. */
  low: number;
  high: number;
}

export interface Feature {
  name: string;
  meaning: string;
  values: Estimates;
}

export interface LayersRows {
  task: string;
  metric: string;
  nPrompts: number;
  /** What the largest strength is below by chance; NaN: of too few prompts. */
  bound: number;
  /** Where a flow begins, or NaN; and what the view opens with. */
  threshold: number;
  first: number;
  /** Pairs of parts of the whole model. */
  nAll: number;
  method: string;
  said: string;
  levelsSaid: string;
  agreementSaid: string;
  /** "95 % interval". */
  interval: string;
  parts: { name: readonly string[]; row: Int32Array; kind: readonly string[] };
  /** The strongest first. */
  flows: {
    source: Int32Array;
    target: Int32Array;
    strength: Estimates;
    exact: Float32Array;
  };
  /** The strongest first. */
  heads: { head: readonly (HeadAt | null)[]; strength: Estimates };
  /** What each head writes to each part that reads, and the names of these. */
  byHead: Matrix;
  targets: readonly string[];
  levelOf: readonly string[];
  features: readonly Feature[];
  levels: readonly Level[];
}

export function readLayers(topic: Topic): LayersRows | null {
  const graph = topic.graph("flow");
  const [heads, layers] = [topic.table("heads"), topic.table("layers")];
  const byHead = topic.matrix("by_head");
  if (!graph || !heads || !layers || !byHead) return null;
  const { nodes, edges } = graph;
  const strength = edges.estimates("strength");
  const features = layers.columns.filter(({ role }) => role === "estimate");
  return {
    task: topic.text("task"),
    metric: topic.text("metric"),
    nPrompts: topic.number("n_prompts"),
    bound: topic.number("bound"),
    threshold: topic.number("threshold"),
    first: topic.number("first"),
    nAll: topic.number("n_all"),
    method: topic.text("method"),
    said: topic.text("said"),
    levelsSaid: topic.text("levels_said"),
    agreementSaid: topic.text("agreement_said"),
    interval: strength.interval,
    parts: { name: nodes.texts("name"), row: nodes.ints("row"), kind: nodes.texts("kind") },
    flows: {
      source: edges.ints("source"),
      target: edges.ints("target"),
      strength,
      exact: edges.numbers("exact"),
    },
    heads: { head: heads.heads("head"), strength: heads.estimates("strength") },
    byHead,
    targets: byHead.info.cols.texts ?? [],
    levelOf: layers.texts("level"),
    features: features.map(({ name, about }) => ({
      name,
      meaning: about,
      values: layers.estimates(name),
    })),
    levels: rows(topic.table("levels"), (row) => ({
      name: row.text("name"),
      first: row.int("row"),
      last: row.int("last_row"),
      low: row.int("low"),
      high: row.int("high"),
    })),
  };
}

/** How many flows are above a threshold, of those that are here: the strongest come first. */
export function countAbove({ flows }: LayersRows, least: number): number {
  const { value } = flows.strength;
  let [low, high] = [0, value.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Math.abs(value[middle] as number) > least) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A threshold that so many flows are above: half way to the next one. */
export function thresholdOf({ flows, first }: LayersRows, count: number): number {
  const size = (at: number) => Math.abs(flows.strength.value[at] ?? 0);
  const n = flows.strength.value.length;
  if (count >= n) return size(n - 1) / 2;
  if (count <= 0) return 1.05 * size(0) || first;
  return Number(((size(count - 1) + size(count)) / 2).toPrecision(4));
}

/** "layer 5", "embedding", "output" */
export function rowName({ parts }: LayersRows, row: number): string {
  const last = parts.row[parts.row.length - 1] ?? 0;
  return row === 0 ? "embedding" : row === last ? "output" : `layer ${row - 1}`;
}
