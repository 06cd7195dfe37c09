// For tests: what Python says of flow between layers, of a model of one layer of two heads.
import { readTopic, type Topic } from "../wire/blocks";
import { fakeTable } from "./fake-blocks";

const ends = (name: string, values: (number | null)[], by = 1) => ({
  [name]: { numbers: values },
  [`${name}_low`]: {
    numbers: values.map((value) => value && value - by),
    role: "low",
    of: name,
    about: "90 % interval",
  } as const,
  [`${name}_high`]: {
    numbers: values.map((value) => value && value + by),
    role: "high",
    of: name,
  } as const,
});

export function fakeLayers(): Topic {
  const nodes = fakeTable("nodes", {
    name: { texts: ["embedding", "0.attn", "0.mlp", "logits"] },
    row: { ints: [0, 1, 1, 2] },
    kind: { texts: ["embedding", "attn", "mlp", "logits"] },
  });
  const edges = fakeTable("edges", {
    source: { ints: [0, 1, 1, 2] },
    target: { ints: [1, 3, 2, 3] },
    ...ends("strength", [3, -2, 1, 0.5]),
    exact: { numbers: [3.5, null, null, null] },
  });
  const heads = fakeTable("heads", {
    head: {
      heads: [
        [0, 1],
        [0, 0],
      ],
    },
    ...ends("strength", [-2, 0.5]),
  });
  const layers = fakeTable("layers", {
    layer: { ints: [0] },
    level: { texts: ["low"] },
    ...ends("flow in", [3]),
  });
  const levels = fakeTable("levels", {
    name: { texts: ["embedding", "low", "output"] },
    row: { ints: [0, 1, 2] },
    last_row: { ints: [0, 1, 2] },
    low: { ints: [0, 1, 2] },
    high: { ints: [0, 1, 2] },
  });
  const targets = ["0.attn", "0.mlp", "logits"];
  const byHead = Float32Array.from([Number.NaN, 0.5, -2, Number.NaN, 0.5, 0]);
  const moved = edges.info.columns.map((column) => ({
    ...column,
    offset: column.offset === null ? null : column.offset + nodes.data.byteLength,
  }));
  // Both tables lie in the graph's one buffer.
  const whole = new Uint8Array(nodes.data.byteLength + edges.data.byteLength);
  whole.set(new Uint8Array(nodes.data.buffer as ArrayBuffer), 0);
  whole.set(new Uint8Array(edges.data.buffer as ArrayBuffer), nodes.data.byteLength);
  const axis = { label: "", kind: "texts" as const, heads: null, texts: targets, n: 3 };
  return readTopic(
    {
      kind: "layers",
      scalars: {
        ...{ task: "repeated_tokens", metric: "log-probability", n_prompts: 8, n_all: 5 },
        ...{ bound: 0.75, threshold: 0.75, first: 0.75, method: "EAP", said: "3 flows." },
        ...{ levels_said: "", agreement_said: "" },
      },
      blocks: [
        {
          ...{ kind: "graph", name: "flow", title: "", about: "" },
          nodes: nodes.info,
          edges: { ...edges.info, columns: moved },
        },
        ...[heads, layers, levels].map(({ info }) => info),
        {
          ...{ kind: "matrix", name: "by_head", title: "", about: "", unit: "" },
          rows: {
            label: "",
            kind: "heads",
            heads: [[0, 1] as const, [0, 0] as const],
            texts: null,
            n: 2,
          },
          cols: axis,
          ...{ signed: true, least: -2, most: 2, offset: 0 },
        },
      ] as never,
    },
    {
      flow: new DataView(whole.buffer),
      heads: heads.data,
      layers: layers.data,
      levels: levels.data,
      by_head: new DataView(byHead.buffer),
    },
  );
}
