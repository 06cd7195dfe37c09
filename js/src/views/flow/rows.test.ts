import { expect, it } from "vitest";
import { fakeFlow, step } from "../../test/fake-flow";
import { flowGraph, linksOf } from "./graph";
import { lastHead, moves, readFlow } from "./rows";

const topic = fakeFlow({
  position: 2,
  edges: [step(1, 0, 2, 3), step(0, 0, 0, null)],
  paths: [
    [0.1, step(0, 1, 1, null), step(1, 1, 2, 0)],
    [0.4, step(0, 0, 0, null), step(1, 0, 2, 3)],
    [0.2, step(0, 2, 2, null), step(1, 2, 2, null)],
  ],
});
const rows = readFlow(topic, 2);

it("sorts the paths by their share", () => {
  expect(rows.paths.map(({ share }) => share)).toEqual([0.4, 0.2, 0.1].map(Math.fround));
});

it("knows the head that a path comes through last, or that there is none", () => {
  expect(lastHead(rows.paths[0] ?? null)).toEqual([1, 3]);
  expect(lastHead(rows.paths[1] ?? null)).toBeNull();
  expect(moves(rows.paths[2] as never)).toHaveLength(1);
});

it("keeps what was not computed missing", () => {
  expect([...rows.sources.knockout.value]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  expect([...rows.sources.confirmed]).toEqual([1, 0, 0]);
});

it("makes a node of each stream that an edge or a path touches, and no other", () => {
  const graph = flowGraph(rows);
  const places = graph.at.map(({ layer, position }) => `${layer} ${position}`);
  expect(new Set(places).size).toBe(places.length);
  expect(places).not.toContain("2 0");
  expect(graph.data.rows).toEqual(["0", "1", "out"]);
  expect(graph.data.edges.label).toEqual(["1.3", ""]);
  expect(linksOf(graph, rows.paths[0] ?? null).map(({ label }) => label)).toEqual(["", "1.3"]);
});
