// What the view of a circuit shows, as typed columns: read from the topic's message.
import type { HeadAt } from "../../model/address";
import type { Estimates, Topic } from "../../wire/blocks";
import { type Fact, readFacts } from "../../wire/rows";

export const MEASURES = ["faithfulness", "accuracy", "without"] as const;
export type Measure = (typeof MEASURES)[number];

export interface CircuitRows {
  task: string;
  metric: string;
  /** Which of the sizes is the circuit. */
  chosen: number;
  /** Edges of the whole model. */
  nAll: number;
  nFound: number;
  nTested: number;
  heldOut: boolean;
  /** Of a larger circuit so many edges are here: the strongest. */
  most: number;
  /** Why the whole model is the circuit, or that none is yet; or nothing. */
  note: string;
  /** How edges were scored, and what an edge's score is. */
  method: string;
  meaning: string;
  /** What intervals are: "95 % interval". */
  interval: string;
  facts: Fact[];
  /** The embedding, heads and MLPs as the model computes them, and the output. */
  nodes: {
    name: readonly string[];
    /** 0: the embedding; the layers from 1 on; the last: the output. */
    row: Int32Array;
    head: readonly (HeadAt | null)[];
    /** What faithfulness of the chosen circuit loses without it; NaN: not measured. */
    effect: Estimates;
  };
  /** The strongest first. */
  edges: {
    source: Int32Array;
    /** The first of the nodes that read it, and how many read as one. */
    target: Int32Array;
    shared: Int32Array;
    by: readonly string[];
    score: Estimates;
    /** Bit i: in the circuit of size i. */
    sizes: Int32Array;
  };
  sizes: Record<Measure, Estimates> & { edges: Int32Array; components: Int32Array };
}

export function readCircuit(topic: Topic): CircuitRows | null {
  const [graph, sizes] = [topic.graph("circuit"), topic.table("sizes")];
  if (!graph || !sizes || sizes.rows === 0) return null;
  const { nodes, edges } = graph;
  const score = edges.estimates("score");
  return {
    task: topic.text("task"),
    metric: topic.text("metric"),
    chosen: topic.number("chosen") || 0,
    nAll: topic.number("n_all"),
    nFound: topic.number("n_found"),
    nTested: topic.number("n_tested"),
    heldOut: topic.flag("held_out"),
    most: topic.number("most"),
    note: topic.text("note"),
    method: topic.text("method"),
    meaning: topic.text("meaning"),
    interval: score.interval,
    facts: readFacts(topic),
    nodes: {
      name: nodes.texts("name"),
      row: nodes.ints("row"),
      head: nodes.heads("head"),
      effect: nodes.estimates("effect"),
    },
    edges: {
      source: edges.ints("source"),
      target: edges.ints("target"),
      shared: edges.ints("shared"),
      by: edges.texts("by"),
      score,
      sizes: edges.ints("sizes"),
    },
    sizes: {
      edges: sizes.ints("edges"),
      components: sizes.ints("components"),
      faithfulness: sizes.estimates("faithfulness"),
      accuracy: sizes.estimates("accuracy"),
      without: sizes.estimates("without"),
    },
  };
}

/** The edges of the circuit of a size that are here, the strongest first. */
export function edgesAt({ edges, most }: CircuitRows, size: number): number[] {
  const found: number[] = [];
  for (let e = 0; e < edges.sizes.length && found.length < most; e++)
    if (((edges.sizes[e] as number) >> size) & 1) found.push(e);
  return found;
}

/** Which nodes are in a circuit: those that write along one of its edges, and the output. */
export function writing({ nodes, edges }: CircuitRows, shown: readonly number[]): Uint8Array {
  const has = new Uint8Array(nodes.name.length);
  for (const e of shown) has[edges.source[e] as number] = 1;
  has[has.length - 1] = shown.length > 0 ? 1 : 0;
  return has;
}

/** The nodes that read an edge: of several heads that read as one, those in the circuit. */
export function readers({ edges }: CircuitRows, e: number, has: Uint8Array): number[] {
  const [first, count] = [edges.target[e] as number, edges.shared[e] as number];
  const all = Array.from({ length: count }, (_, i) => first + i);
  const inside = all.filter((node) => has[node]);
  return inside.length > 0 ? inside : all;
}

/** What an edge reads it by, as Python names it: "7.2", or "7.0-2" of heads that read as one. */
export function readerName({ nodes, edges }: CircuitRows, e: number): string {
  const [first, count] = [edges.target[e] as number, edges.shared[e] as number];
  const name = nodes.name[first] ?? "";
  const last = nodes.head[first + count - 1]?.[1];
  return count > 1 && last !== undefined ? `${name}-${last}` : name;
}

/** "q", "k" or "v"; nothing for what has one input only. */
export function entryOf({ edges }: CircuitRows, e: number): string {
  const by = edges.by[e] ?? "";
  return by.length === 1 ? by : "";
}
