// For tests: what Python says of a circuit, from plain lists.
import { readTopic, type Topic } from "../wire/blocks";
import { fakeTable } from "./fake-blocks";

export interface FakeEdge {
  source: number;
  target: number;
  by: string;
  score: number;
  /** Bit i: in the circuit of size i. */
  sizes: number;
  shared?: number;
  /** Where it is, in a circuit by position. */
  at?: number;
}

/** Two layers of two heads that share keys, the first with an MLP. */
export const NODES = ["embedding", "0.0", "0.1", "0.mlp", "1.0", "1.1", "logits"] as const;
const ROWS = [0, 1, 1, 1, 2, 2, 3];
const HEADS: ([number, number] | null)[] = [null, [0, 0], [0, 1], null, [1, 0], [1, 1], null];

/** The strongest first, as Python sends them. */
export const EDGES: FakeEdge[] = [
  { source: 0, target: 2, by: "v", score: 3, sizes: 0b111 },
  { source: 2, target: 4, by: "k", score: -2, sizes: 0b110, shared: 2 },
  { source: 5, target: 6, by: "logits", score: 1.5, sizes: 0b111 },
  { source: 2, target: 5, by: "q", score: 1, sizes: 0b111 },
  { source: 4, target: 6, by: "logits", score: 0.5, sizes: 0b100 },
  { source: 0, target: 3, by: "mlp", score: 0.25, sizes: 0b100 },
  { source: 3, target: 5, by: "q", score: 0.125, sizes: 0b100 },
];

/** By position: 1.0 writes at 2 and 3 and attends to 1 from 3, hardly from 2. */
export const PLACED: FakeEdge[] = [
  { source: 0, target: 2, by: "v", score: 3, sizes: 1, at: 0 },
  { source: 2, target: 4, by: "k", score: 2, sizes: 1, shared: 2, at: 1 },
  { source: 0, target: 4, by: "q", score: -1, sizes: 1, at: 3 },
  { source: 4, target: 6, by: "logits", score: 1, sizes: 1, at: 2 },
  { source: 4, target: 6, by: "logits", score: 0.5, sizes: 1, at: 3 },
  { source: 2, target: 6, by: "logits", score: 0.25, sizes: 1, at: 3 },
];
const CARRIED: [part: number, query: number, key: number, attention: number][] = [
  [4, 3, 1, 0.75],
  [4, 2, 1, 0.0625],
  [2, 1, 0, 1],
];

interface Given {
  edges?: FakeEdge[];
  chosen?: number;
  measured?: boolean;
  most?: number;
  /** What positions are: the circuit is by position then. */
  roles?: readonly string[];
}

export function fakeCircuit(given: Given = {}): Topic {
  const { edges = EDGES, chosen = 1, measured = true, most = 2000, roles = [] } = given;
  const { names, rows, heads, parts, positions, row } = placedNodes(edges, roles);
  const ends = (name: string, values: (number | null)[]) => ({
    [name]: { numbers: values },
    [`${name}_low`]: { numbers: values, role: "low", of: name, about: "90 % interval" } as const,
    [`${name}_high`]: { numbers: values, role: "high", of: name } as const,
  });
  const nulls = (name: string, values: (number | null)[]) => ({
    [`${name}_null`]: { numbers: values, role: "null", of: name } as const,
    [`${name}_null_low`]: { numbers: values, role: "null_low", of: name } as const,
    [`${name}_null_high`]: { numbers: values, role: "null_high", of: name } as const,
  });
  const nodes = fakeTable("nodes", {
    name: { texts: names },
    row: { ints: rows },
    head: { heads },
    part: { ints: parts },
    position: { ints: positions },
    ...ends(
      "effect",
      parts.map((part) => (part === 2 && measured ? 0.5 : null)),
    ),
  });
  const lines = fakeTable("edges", {
    source: { ints: edges.map(({ source, at }) => row(source, at)) },
    target: { ints: edges.map(({ target, at }) => row(target, at)) },
    reader: { ints: edges.map(({ target }) => target) },
    shared: { ints: edges.map(({ shared = 1 }) => shared) },
    by: { texts: edges.map(({ by }) => by) },
    ...ends(
      "score",
      edges.map(({ score }) => score),
    ),
    q: { numbers: edges.map((_, e) => 0.01 * (e + 1)), role: "q", of: "score" },
    sizes: { ints: edges.map(({ sizes }) => sizes) },
  });
  const points = [0.25, 0.5, 1].map((value) => (measured ? value : null));
  const half = points.map((value) => value && value / 2);
  const counts = [0, 1, 2].map((at) => edges.filter(({ sizes }) => (sizes >> at) & 1).length);
  const sizes = fakeTable("sizes", {
    edges: { ints: counts },
    components: { ints: [2, 2, 4] },
    ...ends("faithfulness", points),
    ...nulls("faithfulness", half),
    ...ends("accuracy", points),
    ...nulls("accuracy", half),
    ...ends("without", half),
    ...nulls("without", [null, null, null]),
  });
  const named = fakeTable("positions", { role: { texts: roles } });
  const carried = fakeTable("carried", {
    part: { ints: CARRIED.map(([part]) => part) },
    query: { ints: CARRIED.map(([, query]) => query) },
    key: { ints: CARRIED.map(([, , key]) => key) },
    attention: { numbers: CARRIED.map(([, , , share]) => share) },
  });
  const graph = {
    kind: "graph" as const,
    ...{ name: "circuit", title: "", about: "" },
    nodes: nodes.info,
    edges: {
      ...lines.info,
      columns: lines.info.columns.map((column) => ({
        ...column,
        offset: column.offset === null ? null : column.offset + nodes.data.byteLength,
      })),
    },
  };
  // Both tables lie in the graph's one buffer.
  const whole = new Uint8Array(nodes.data.byteLength + lines.data.byteLength);
  whole.set(new Uint8Array(nodes.data.buffer as ArrayBuffer), 0);
  whole.set(new Uint8Array(lines.data.buffer as ArrayBuffer), nodes.data.byteLength);
  return readTopic(
    {
      kind: "circuits",
      scalars: {
        ...{ task: "repeated_tokens", metric: "log-probability", chosen, n_all: 12, most },
        ...{ n_found: 6, n_tested: 6, held_out: true },
        ...{ method: "EAP", meaning: "what the metric loses without the edge", note: "" },
      },
      blocks: [graph, sizes.info, ...(roles.length > 0 ? [named.info, carried.info] : [])],
    },
    {
      circuit: new DataView(whole.buffer),
      sizes: sizes.data,
      positions: named.data,
      carried: carried.data,
    },
  );
}

/** By position a part is a node wherever an edge leaves or enters it. */
function placedNodes(edges: readonly FakeEdge[], roles: readonly string[]) {
  const n = Math.max(1, roles.length);
  const there = new Set(
    edges.flatMap(({ source, target, at = 0 }) => [source * n + at, target * n + at]),
  );
  const all = NODES.flatMap((_, part) => Array.from({ length: n }, (_, at) => part * n + at));
  const placed = roles.length > 0 ? all.filter((place) => there.has(place)) : all;
  const parts = placed.map((place) => Math.floor(place / n));
  const positions = placed.map((place) => place % n);
  return {
    ...{ parts, positions },
    names: parts.map((part, i) => `${NODES[part]}${roles.length > 0 ? `@${positions[i]}` : ""}`),
    rows: parts.map((part) => ROWS[part] as number),
    heads: parts.map((part) => HEADS[part] ?? null),
    row: (part: number, at = 0) => placed.indexOf(part * n + at),
  };
}
