// For tests: what Python says of a flow, from plain lists.
import { readTopic, type Topic } from "../wire/blocks";
import { fakeTable } from "./fake-blocks";

export interface FakeStep {
  layer: number;
  source: number;
  target: number;
  head: number | null;
}

export const step = (
  layer: number,
  source: number,
  target: number,
  head: number | null,
): FakeStep => ({ layer, source, target, head });

export interface FakeFlow {
  position: number;
  edges: FakeStep[];
  /** Each: its share, then its steps. */
  paths: [number, ...FakeStep[]][];
}

const headOf = ({ layer, head }: FakeStep): [number, number] | null =>
  head === null ? null : [layer, head];

/** The first position is confirmed; nothing was blocked. */
export function fakeFlow({ position, edges, paths }: FakeFlow): Topic {
  const tables = [...pathTables(paths), sourcesTable(position + 1)];
  const routes = routesGraph(edges);
  return readTopic(
    {
      kind: "flow",
      scalars: { position, target: " dog" },
      blocks: [routes.info, ...tables.map(({ info }) => info)],
    },
    {
      routes: routes.data,
      ...Object.fromEntries(tables.map(({ info, data }) => [info.name, data])),
    },
  );
}

function routesGraph(edges: FakeStep[]) {
  const ends = edges.flatMap(({ layer, source, target }) => [
    [layer, source] as const,
    [layer + 1, target] as const,
  ]);
  const places = new Map(ends.map((place) => [String(place), place]));
  const row = new Map([...places.keys()].map((name, at) => [name, at]));
  const rowOf = (...place: [number, number]) => row.get(String(place)) ?? 0;
  const nodes = fakeTable("nodes", {
    layer: { ints: [...places.values()].map(([layer]) => layer) },
    position: { ints: [...places.values()].map(([, position]) => position) },
  });
  const lines = fakeTable("edges", {
    source: { ints: edges.map((edge) => rowOf(edge.layer, edge.source)) },
    target: { ints: edges.map((edge) => rowOf(edge.layer + 1, edge.target)) },
    weight: { numbers: edges.map(() => 0.3) },
    head: { heads: edges.map(headOf) },
    by: { texts: edges.map(({ head }) => (head === null ? "residual 0.300" : "")) },
  });
  // Both tables lie in the graph's one buffer.
  const start = nodes.data.byteLength;
  const whole = new Uint8Array(start + lines.data.byteLength);
  whole.set(new Uint8Array(nodes.data.buffer as ArrayBuffer), 0);
  whole.set(new Uint8Array(lines.data.buffer as ArrayBuffer), start);
  const columns = lines.info.columns.map((column) => ({
    ...column,
    offset: (column.offset ?? 0) + start,
  }));
  return {
    info: {
      kind: "graph",
      ...{ name: "routes", title: "", about: "" },
      nodes: nodes.info,
      edges: { ...lines.info, columns },
    } as const,
    data: new DataView(whole.buffer),
  };
}

function pathTables(paths: FakeFlow["paths"]) {
  const steps = paths.flatMap(([, ...all], path) => all.map((one) => ({ path, ...one })));
  return [
    fakeTable("paths", { weight: { numbers: paths.map(([share]) => share) } }),
    fakeTable("steps", {
      path: { ints: steps.map(({ path }) => path) },
      layer: { ints: steps.map(({ layer }) => layer) },
      source: { ints: steps.map(({ source }) => source) },
      target: { ints: steps.map(({ target }) => target) },
      head: { heads: steps.map(headOf) },
      part: { numbers: steps.map(({ head }) => (head === null ? null : 0.6)) },
    }),
  ];
}

function sourcesTable(n: number) {
  const first = (value: number) => Array.from({ length: n }, (_, i) => (i === 0 ? value : null));
  return fakeTable("sources", {
    route: { numbers: first(0.5) },
    rollout: { numbers: first(0.2) },
    knockout: { numbers: first(0).map(() => null) },
    confirmed: { flags: first(1).map((value) => value === 1) },
    window: { texts: first(1).map((value) => (value === 1 ? "1: +0.50" : "")) },
  });
}
