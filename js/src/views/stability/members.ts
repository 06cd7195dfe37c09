// Members of a comparison, models or checkpoints, each with its circuit: read from the topic's message.
import type { HeadAt } from "../../model/address";
import type { Matrix, Table, Topic } from "../../wire/blocks";

/** The edges of one graph that are in the circuit of a member or more, with every member's scores. */
export interface Graph {
  nodes: {
    name: readonly string[];
    row: Int32Array;
    head: readonly (HeadAt | null)[];
  };
  /** Those with the strongest score in a circuit come first. */
  edges: {
    source: Int32Array;
    /** The first of the nodes that read it, and how many read as one. */
    target: Int32Array;
    shared: Int32Array;
    by: readonly string[];
  };
  /** Row an edge, column a member. */
  score: Matrix;
  low: Matrix | null;
  high: Matrix | null;
  kept: Matrix;
  /** The size of the largest score. */
  most: number;
}

export interface Members {
  name: readonly string[];
  /** 1: does the task; 0: fails it; -1: not known. */
  done: Int32Array;
  edges: Int32Array;
  all: Int32Array;
  /** Which graph each one is. */
  graph: Int32Array;
  graphs: readonly Graph[];
  /** What intervals are: "95 % interval". */
  interval: string;
  /** Measures of each member, by name. */
  table: Table;
}

export function readMembers(topic: Topic): Members | null {
  const table = topic.table("members");
  if (!table || table.rows === 0) return null;
  const graphs: Graph[] = [];
  for (let at = 0; ; at++) {
    const graph = readGraph(topic, at);
    if (!graph) break;
    graphs.push(graph);
  }
  return {
    name: table.texts("name"),
    done: table.ints("done"),
    edges: table.ints("edges"),
    all: table.ints("all"),
    graph: table.ints("graph"),
    graphs,
    interval: table.of("score", "low")?.about || "interval",
    table,
  };
}

function readGraph(topic: Topic, at: number): Graph | null {
  const graph = topic.graph(`circuits.${at}`);
  const matrix = (end: string) => topic.matrix(`edges.${at}${end}`);
  const [score, kept] = [matrix(""), matrix("_kept")];
  if (!graph || !score || !kept) return null;
  const { nodes, edges } = graph;
  return {
    nodes: { name: nodes.texts("name"), row: nodes.ints("row"), head: nodes.heads("head") },
    edges: {
      source: edges.ints("source"),
      target: edges.ints("target"),
      shared: edges.ints("shared"),
      by: edges.texts("by"),
    },
    ...{ score, kept, low: matrix("_low"), high: matrix("_high") },
    most: score.values.reduce((most, each) => Math.max(most, Math.abs(each) || 0), 0),
  };
}

/** What an edge reads it by, as Python names it: "7.2", or "7.0-2" of heads that read as one. */
export function readerName({ nodes, edges }: Graph, e: number): string {
  const [first, count] = [edges.target[e] as number, edges.shared[e] as number];
  const name = nodes.name[first] ?? "";
  const last = nodes.head[first + count - 1]?.[1];
  return count > 1 && last !== undefined ? `${name}-${last}` : name;
}

/** A score with its interval, and whether its edge is in the circuit; null: there is no such edge. */
export interface Side {
  value: number;
  low: number;
  high: number;
  kept: boolean;
}

/** An edge of two members: of both where they have the same parts. */
export interface PairEdge {
  key: string;
  from: string;
  to: string;
  by: string;
  sides: readonly [Side | null, Side | null];
}

/** The edges in the circuits of two members, the strongest first. */
export function edgesOfPair(members: Members, a: number, b: number): PairEdge[] {
  const [one, other] = [members.graph[a] ?? 0, members.graph[b] ?? 0];
  if (one === other) return edgesOf(members.graphs[one], one, a, b);
  const found = [
    ...edgesOf(members.graphs[one], one, a, null),
    ...edgesOf(members.graphs[other], other, null, b),
  ];
  return found.sort((x, y) => strength(y) - strength(x));
}

export const strength = ({ sides }: PairEdge): number =>
  Math.max(...sides.map((side) => (side?.kept ? Math.abs(side.value) || 0 : 0)));

function edgesOf(
  graph: Graph | undefined,
  number: number,
  a: number | null,
  b: number | null,
): PairEdge[] {
  if (!graph) return [];
  const { nodes, edges } = graph;
  const found: PairEdge[] = [];
  for (let e = 0; e < edges.source.length; e++) {
    const sides = [sideOf(graph, e, a), sideOf(graph, e, b)] as const;
    if (!sides.some((side) => side?.kept)) continue;
    const by = edges.by[e] ?? "";
    found.push({
      key: `${number} ${e}`,
      from: nodes.name[edges.source[e] as number] ?? "",
      to: readerName(graph, e),
      by: by.length === 1 ? by : "",
      sides,
    });
  }
  return found.sort((x, y) => strength(y) - strength(x));
}

function sideOf(graph: Graph, e: number, member: number | null): Side | null {
  if (member === null) return null;
  return {
    value: graph.score.at(e, member),
    low: graph.low?.at(e, member) ?? Number.NaN,
    high: graph.high?.at(e, member) ?? Number.NaN,
    kept: graph.kept.at(e, member) === 1,
  };
}

/** Whether two members have the same parts, so that their edges can be compared one by one. */
export function sameGraph({ graph }: Members, a: number, b: number): boolean {
  return graph[a] === graph[b];
}

/** How many edges of a member's circuit are here: of a large one the strongest. */
export function edgesIn({ kept, edges }: Graph, member: number): number {
  let n = 0;
  for (let e = 0; e < edges.source.length; e++) n += kept.at(e, member) === 1 ? 1 : 0;
  return n;
}

/** How many edges are in both circuits, and in either alone. */
export function countsOf(edges: readonly PairEdge[]): { both: number; a: number; b: number } {
  const counts = { both: 0, a: 0, b: 0 };
  for (const { sides } of edges) {
    const [inA, inB] = [sides[0]?.kept ?? false, sides[1]?.kept ?? false];
    if (inA && inB) counts.both++;
    else if (inA) counts.a++;
    else counts.b++;
  }
  return counts;
}
