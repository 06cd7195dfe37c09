import { expect, it } from "vitest";
import type { Coordinated, CoordinationTopic } from "../../contract.gen";
import { pairGraph } from "./graph";
import { readCoordination, strongest } from "./rows";

const pair = (value: number): Coordinated => ({
  ...{ a: [0, 0], b: [1, 0], value, q: 0.01, type: "serial", sign: "", path: null },
  ...{ path_low: null, path_high: null, path_null_high: null, interaction: null },
  ...{ interaction_low: null, interaction_high: null },
  ...{ effect_a: null, effect_b: null, effect_ab: null },
});
const topic: CoordinationTopic = {
  ...{ kind: "coordination", method: "pearson", signed: true, fdr: 0.05 },
  heads: [
    [0, 0],
    [0, 1],
    [1, 0],
  ],
  order: [2, 0, 1],
  pairs: [pair(0.2), pair(-0.9)],
};
const none = Number.NaN;
const value = [none, 0.1, -0.9, 0.1, none, 0.3, -0.9, 0.3, none];
const q = [none, 0.9, 0.001, 0.9, none, 0.01, 0.001, 0.01, none];
const data = new DataView(Float32Array.from([...value, ...q]).buffer);

it("puts matrices and names into the clustered order, and sorts the pairs by size", () => {
  const rows = readCoordination(topic, data);
  expect(rows?.heads).toEqual([
    [1, 0],
    [0, 0],
    [0, 1],
  ]);
  expect(rows?.value[1]).toBeCloseTo(-0.9);
  expect(rows?.pairs.map((pair) => pair.value)).toEqual([-0.9, 0.2]);
  expect(rows?.pairs[0]?.path.value).toBeNaN();
  expect(readCoordination(topic, new DataView(new ArrayBuffer(0)))).toBeNull();
});

it("makes edges of the significant pairs alone, from the earlier layer, the strongest first", () => {
  const graph = pairGraph(readCoordination(topic, data) as never);
  expect(graph.significant).toBe(2);
  expect(graph.data.nodes.label).toEqual(["0.0", "0.1", "1.0"]);
  const { source, target, weight } = graph.data.edges;
  expect(Array.from(source).map((s, e) => [s, target[e]])).toEqual([
    [0, 2],
    [1, 2],
  ]);
  expect(weight[0]).toBeCloseTo(-0.9);
});

it("opens on the strongest pair, tested or not", () => {
  const rows = readCoordination(topic, data) as never as ReturnType<typeof readCoordination> &
    object;
  const edge = { sender: [0, 0], receiver: [1, 0] };
  expect(strongest(rows)).toEqual(edge);
  expect(strongest({ ...rows, pairs: [] })).toEqual(edge);
  expect(strongest({ ...rows, pairs: [], value: new Float32Array(9).fill(Number.NaN) })).toBeNull();
});
