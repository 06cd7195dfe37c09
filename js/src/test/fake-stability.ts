// For tests: what Python says of the stability of circuits, from plain lists.
import type { Block, MatrixInfo, TableInfo } from "../wire/block-types";
import { readTopic, type Topic } from "../wire/blocks";
import { fakeTable } from "./fake-blocks";

/** Two layers of two heads. */
const NODES = ["embedding", "0.0", "0.1", "1.0", "1.1", "logits"] as const;
const ROWS = [0, 1, 1, 2, 2, 3];
const HEADS: ([number, number] | null)[] = [null, [0, 0], [0, 1], [1, 0], [1, 1], null];
/** source, target, by, heads that read as one. */
const EDGES = [
  [0, 1, "v", 1],
  [1, 3, "k", 2],
  [3, 5, "logits", 1],
  [2, 4, "q", 1],
] as const;
export const STEPS = [0, 64, 512, 2048];

interface Packed {
  info: Block;
  data: DataView;
}

/** One graph: scores and membership, a row an edge, a column a member. */
interface FakeCircuits {
  scores: readonly (readonly number[])[];
  kept: readonly (readonly (0 | 1)[])[];
}

export const CIRCUITS: FakeCircuits = {
  scores: [
    [0, 0.1, 3, 5],
    [0, 0, 2, 1],
    [0, 0, 0.5, -4],
    [0, 0, 1, 0],
  ],
  kept: [
    [0, 0, 1, 1],
    [0, 0, 1, 1],
    [0, 0, 0, 1],
    [0, 0, 1, 0],
  ],
};

export function fakeTraining(reached = STEPS.length): Topic {
  const upTo = (values: (number | null)[]) => values.map((v, at) => (at < reached ? v : null));
  const members = fakeTable("members", {
    ...membersOf(
      STEPS.map(String),
      STEPS.map((_, at) => (at >= reached ? null : at > 1 ? 1 : 0)),
      [0, 0, 3, 3],
    ),
    step: { ints: STEPS },
    ...ends("loss", upTo([6, 5, 1, 0])),
    ...ends("score", upTo([6, 5, 1, 0])),
    ...ends("accuracy", upTo([0, 0, 0.5, 1])),
    ...ends("faithfulness", upTo([null, null, 0.9, 1])),
    ...ends("similar_circuit", upTo([null, null, null, 0.25])),
    ...ends("similar_effects", upTo([null, 0.9, 0.1, 0.8]), 0.6),
    ...ends("similar_rank", upTo([null, 0.9, 0.2, 0.7])),
  });
  const phases = fakeTable("phases", {
    kind: { texts: ["absent", "unstable", "stable"] },
    first: { ints: [0, 64, 512] },
    last: { ints: [64, 512, 2048] },
    first_low: { ints: [0, 64, 64] },
    first_high: { ints: [0, 64, 2048] },
    last_low: { ints: [64, 64, 2048] },
    last_high: { ints: [64, 2048, 2048] },
    support: { numbers: [1, 1, 0.5] },
  });
  const swaps = fakeTable("swaps", {
    role: { texts: ["x"] },
    before: { ints: [512] },
    after: { ints: [2048] },
    giver: { heads: [[0, 0]] },
    taker: { heads: [[0, 1]] },
    ...ends("lead_before", [0.5]),
    ...ends("lead_after", [0.25]),
  });
  const role = STEPS.map((_, at) =>
    [0, 1, 2, 3].map((head) => (at < reached ? (at * (head + 1)) / 20 : Number.NaN)),
  );
  return fakeTopicOf("steps", { n_edges: 3 }, [
    members,
    phases,
    swaps,
    matrix("role.x", role),
    matrix("role.x_low", role),
    matrix("role.x_high", role),
    ...circuits(0, CIRCUITS),
    ...STEPS.slice(0, reached).map((_, at) => picture(at, 60 * (at + 1))),
  ]);
}

export function fakeModels(graphs: readonly number[] = [0, 0, 0]): Topic {
  const names = ["a", "b", "c"];
  const all = (value: number) => names.map((_, i) => names.map((_, j) => (i === j ? 1 : value)));
  const three: FakeCircuits = {
    scores: CIRCUITS.scores.map((row) => row.slice(1)),
    kept: CIRCUITS.kept.map((row) => row.slice(1)),
  };
  const parts = (name: string) =>
    fakeTable(name, {
      name: { texts: name === "roles" ? ["x"] : ["0.0", "1.1"] },
      ...ends("share", name === "roles" ? [1] : [1, 2 / 3], 0.5),
    });
  return fakeTopicOf("models", { same_parts: graphs.every((at) => at === 0), held_out: true }, [
    fakeTable("members", {
      ...membersOf(names, [1, 1, 1], [0, 3, 3], graphs),
      ...ends("score", [1, 1, 1]),
    }),
    ...pairs("overlap", all(0.5)),
    matrix("overlap_bar", all(0.25)),
    ...pairs("halves", all(0.9)),
    ...pairs("role_overlap", all(0.6)),
    ...pairs("correlation", all(0.7)),
    ...pairs("transfer", all(0.3)),
    matrix("transfer_null", all(0.1)),
    ...pairs("role_mass", [[0.5], [0.6], [0.7]], ["x"]),
    ...["by", "jaccard", "chance"].map((name) => matrix(name, all(1))),
    ...circuits(0, three),
    ...(graphs.includes(1) ? circuits(1, three) : []),
    ...["parts", "roles"].map(parts),
    matrix("parts_draws", [
      [1, 1, 1],
      [1, 0, 0.5],
    ]),
    matrix("roles_draws", [[1, 1, 1]]),
  ]);
}

function fakeTopicOf(
  of: string,
  scalars: Record<string, number | boolean>,
  blocks: readonly Packed[],
): Topic {
  const buffers = Object.fromEntries(blocks.map(({ info, data }) => [info.name, data]));
  const told = { of, task: "repeated_tokens", metric: "loss", most: 500, ...scalars };
  return readTopic(
    { kind: "stability", scalars: told, blocks: blocks.map(({ info }) => info) },
    buffers,
  );
}

function membersOf(
  names: readonly string[],
  done: readonly (number | null)[],
  edges: readonly number[],
  graph: readonly number[] = names.map(() => 0),
) {
  return {
    name: { texts: names },
    done: { ints: done },
    edges: { ints: edges },
    all: { ints: names.map(() => 9) },
    graph: { ints: graph },
  };
}

function ends(name: string, values: (number | null)[], than: number | null = null) {
  const shifted = (by: number) => values.map((v) => (v === null ? null : v + by));
  const part = (role: "low" | "high" | "null", numbers: (number | null)[]) =>
    ({ numbers, role, of: name, about: "90 % interval" }) as const;
  return {
    [name]: { numbers: values },
    [`${name}_low`]: part("low", shifted(-0.125)),
    [`${name}_high`]: part("high", shifted(0.125)),
    ...(than === null
      ? {}
      : {
          [`${name}_null`]: part(
            "null",
            values.map(() => than),
          ),
        }),
  };
}

function pairs(name: string, values: readonly (readonly number[])[], cols?: readonly string[]) {
  const shifted = (by: number) => values.map((row) => row.map((value) => value + by));
  return [
    matrix(name, values, cols),
    matrix(`${name}_low`, shifted(-0.125), cols),
    matrix(`${name}_high`, shifted(0.125), cols),
  ];
}

function matrix(
  name: string,
  values: readonly (readonly number[])[],
  cols: readonly string[] = (values[0] ?? []).map(String),
): Packed {
  const axis = (texts: readonly string[]) => ({
    ...{ label: "", ticks: "texts" as const, heads: null },
    ...{ texts: [...texts], n: texts.length },
  });
  const info: MatrixInfo = {
    ...{ kind: "matrix", name, title: name, about: "", unit: "", signed: false },
    ...{ rows: axis(values.map(String)), cols: axis(cols), least: 0, most: 1, offset: 0 },
  };
  return { info, data: new DataView(Float32Array.from(values.flat()).buffer) };
}

function circuits(at: number, { scores, kept }: FakeCircuits): Packed[] {
  const nodes = fakeTable("nodes", {
    name: { texts: NODES },
    row: { ints: ROWS },
    head: { heads: HEADS },
  });
  const edges = fakeTable("edges", {
    source: { ints: EDGES.map(([source]) => source) },
    target: { ints: EDGES.map(([, target]) => target) },
    shared: { ints: EDGES.map(([, , , shared]) => shared) },
    by: { texts: EDGES.map(([, , by]) => by) },
  });
  // Both tables lie in the graph's one buffer.
  const start = nodes.data.byteLength;
  const columns = (edges.info as TableInfo).columns.map((column) => ({
    ...column,
    offset: column.offset === null ? null : column.offset + start,
  }));
  const whole = new Uint8Array(start + edges.data.byteLength);
  whole.set(new Uint8Array(nodes.data.buffer as ArrayBuffer), 0);
  whole.set(new Uint8Array(edges.data.buffer as ArrayBuffer), start);
  const info = {
    ...{ kind: "graph" as const, name: `circuits.${at}`, title: "", about: "" },
    ...{ nodes: nodes.info, edges: { ...edges.info, columns } },
  };
  return [
    { info, data: new DataView(whole.buffer) },
    matrix(`edges.${at}`, scores),
    matrix(`edges.${at}_low`, scores),
    matrix(`edges.${at}_high`, scores),
    matrix(`edges.${at}_kept`, kept),
  ];
}

/** Two by two bytes of head 1.1. */
function picture(at: number, byte: number): Packed {
  const tile = {
    head: [1, 1] as [number, number],
    rows: 2,
    cols: 2,
    scale: 1,
    offset: 0,
    first: null,
  };
  const window: [number, number, number, number] = [0, 2, 0, 2];
  return {
    info: {
      ...{ kind: "pictures", name: `at ${at}`, window, pooling: "max", side: 2, tiles: [tile] },
    } as Block,
    data: new DataView(new Uint8Array(4).fill(byte).buffer),
  };
}
