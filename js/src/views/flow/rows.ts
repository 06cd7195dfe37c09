// What the view of flow shows, as typed columns: read from the topic's message.
import type { HeadAt } from "../../model/address";
import type { Topic } from "../../wire/blocks";
import { type Fact, readFacts, rows } from "../../wire/rows";

/** A step from a position in one layer to one in the next; no head: it stays where it is. */
export interface Step {
  layer: number;
  source: number;
  target: number;
  head: HeadAt | null;
  /** Which part of the step that head carries, from 0 to 1; others carry the rest. */
  part: number;
}

export interface Path {
  /** The product of what its steps contribute: its share of what is read. */
  share: number;
  steps: Step[];
}

/** By position; the interval over prompts, where there are several. */
export interface Span {
  value: Float32Array;
  low: Float32Array | null;
  high: Float32Array | null;
  interval: string;
}

export interface FlowRows {
  position: number;
  target: string;
  /** The token that the target is held against; "": none. */
  against: string;
  /** What blocking lowers, in words, and its unit. */
  measured: string;
  unit: string;
  /** Of several all numbers are means. */
  nPrompts: number;
  nLayers: number;
  facts: Fact[];
  edges: {
    layer: Int32Array;
    source: Int32Array;
    target: Int32Array;
    /** Share of what is read that comes along the edge. */
    share: Float32Array;
    /** The head that carries most of it; −1: the residual stream. */
    head: Int32Array;
    /** What carries how much of it, in words. */
    by: string[];
  };
  /** The largest share first. */
  paths: Path[];
  /** By position; NaN: not computed. */
  sources: {
    route: Span;
    knockout: Span & {
      /** What blocking costs tokens that were as likely as the target, at most. */
      bound: Float32Array | null;
    };
    rollout: Float32Array;
    /** Blocking it costs more than both bounds: of other queries, and of tokens as likely. */
    confirmed: Uint8Array;
    /** The layers in which blocking it costs most, and that, in words; null: not run. */
    window: (string | null)[];
  };
}

export function readFlow(topic: Topic, nLayers: number): FlowRows {
  const sources = topic.table("sources");
  const position = topic.number("position") || 0;
  const empty = new Float32Array(position + 1).fill(Number.NaN);
  const none = { value: empty, low: null, high: null, interval: "" };
  const knockout = sources?.estimates("knockout");
  return {
    position,
    target: topic.text("target"),
    against: topic.text("against"),
    measured: topic.text("measured"),
    unit: topic.text("unit") || "nats",
    nPrompts: topic.number("n_prompts") || 1,
    nLayers,
    facts: readFacts(topic),
    edges: readEdges(topic),
    paths: readPaths(topic),
    // A row a position of the text.
    sources: {
      route: sources?.estimates("route") ?? none,
      knockout: { ...(knockout ?? none), bound: knockout?.nullHigh ?? null },
      rollout: sources?.numbers("rollout") ?? empty,
      confirmed: sources?.flags("confirmed") ?? new Uint8Array(position + 1),
      window: sources?.texts("window").map((text) => text || null) ?? [],
    },
  };
}

function readEdges(topic: Topic): FlowRows["edges"] {
  const graph = topic.graph("routes");
  const none = new Int32Array();
  if (!graph) {
    const share = new Float32Array();
    return { layer: none, source: none, target: none, share, head: none, by: [] };
  }
  const [from, to] = [graph.edges.ints("source"), graph.edges.ints("target")];
  const [layer, position] = [graph.nodes.ints("layer"), graph.nodes.ints("position")];
  return {
    layer: from.map((node) => layer[node] ?? 0),
    source: from.map((node) => position[node] ?? 0),
    target: to.map((node) => position[node] ?? 0),
    share: graph.edges.numbers("weight"),
    head: Int32Array.from(graph.edges.heads("head"), (head) => head?.[1] ?? -1),
    by: graph.edges.texts("by").map((text) => text ?? ""),
  };
}

function readPaths(topic: Topic): Path[] {
  const steps = rows(topic.table("steps"), (row) => ({
    path: row.int("path"),
    layer: row.int("layer"),
    source: row.int("source"),
    target: row.int("target"),
    head: row.head("head"),
    part: row.number("part"),
  }));
  const paths = rows(
    topic.table("paths"),
    (row): Path => ({ share: row.number("weight"), steps: [] }),
  );
  for (const { path, ...step } of steps) paths[path]?.steps.push(step);
  return paths.sort((a, b) => b.share - a.share);
}

/** The steps of a path on which a head moves it to another position. */
export function moves({ steps }: Path): Step[] {
  return steps.filter(({ source, target, head }) => head !== null && source !== target);
}

/** The head that a path comes through last, next to the output. */
export function lastHead(path: Path | null): HeadAt | null {
  return path === null ? null : (moves(path).at(-1)?.head ?? null);
}
