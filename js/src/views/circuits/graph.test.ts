import { describe, expect, it } from "vitest";
import { EDGES, fakeCircuit, NODES, PLACED } from "../../test/fake-circuit";
import { circuitGraph, placesOf } from "./graph";
import { readGroups, readNames, toggled, withGroup, writeGroups } from "./named-sets";
import { type CircuitRows, edgesAt, entryOf, readCircuit, readerName, writing } from "./rows";
import { edgesOfNodes, HEAD, lineName, subjectOf } from "./subject";
import {
  accuracySaid,
  curveSaid,
  edgeSaid,
  lineSaid,
  membersSaid,
  missingSaid,
  nodeSaid,
  sizeSaid,
} from "./words";

const rows = readCircuit(fakeCircuit()) as CircuitRows;
const places = placesOf(rows);
const graphAt = (size: number, groups = "") =>
  circuitGraph(rows, edgesAt(rows, size), places, readGroups(groups), size === rows.chosen);
const ends = (size: number, groups = "") => {
  const { lines, names } = graphAt(size, groups);
  return lines.map(({ source, target }) => `${names[source]} ${names[target]}`);
};

describe("a size", () => {
  it("has its own edges, also one that leaves at a larger size", () => {
    expect([0, 1, 2].map((size) => edgesAt(rows, size).length)).toEqual([3, 4, 7]);
    const odd = EDGES.map((edge, e) => (e === 3 ? { ...edge, sizes: 0b101 } : edge));
    const other = readCircuit(fakeCircuit({ edges: odd })) as CircuitRows;
    expect([0, 1, 2].map((size) => edgesAt(other, size).includes(3))).toEqual([true, false, true]);
  });

  it("of a large circuit has the strongest edges", () => {
    const few = readCircuit(fakeCircuit({ most: 2 })) as CircuitRows;
    expect(edgesAt(few, 2)).toEqual([0, 1]);
  });

  it("is said in edges, with what it does and what random circuits do", () => {
    expect(sizeSaid(rows, 1)).toBe("4 of 12 edges");
    expect(curveSaid(rows, 1)).toBe(
      "4 edges: faithfulness 0.50 (0.50 to 0.50), random circuits 0.25 (0.25 to 0.25), without them 0.25 (0.25 to 0.25)",
    );
    const early = readCircuit(fakeCircuit({ measured: false })) as CircuitRows;
    expect(curveSaid(early, 1)).toBe("4 of 12 edges: not measured yet");
    expect(accuracySaid(early, 1)).toBe("right answers: not measured yet");
    expect([missingSaid(rows), missingSaid(early)]).toEqual([null, "Not measured yet."]);
    // Measured, but a share of what may be nothing.
    const { sizes } = rows;
    const none = { ...sizes.faithfulness, value: new Float32Array(3).fill(Number.NaN) };
    const odd = { ...rows, sizes: { ...sizes, faithfulness: none } };
    expect(curveSaid(odd, 1)).toBe("4 of 12 edges: no number");
    expect(missingSaid(odd)).toContain("there is no share of nothing");
  });
});

describe("the graph", () => {
  it("joins the edges of two nodes in one line, which is its strongest edge", () => {
    const { lines, data } = graphAt(1);
    const line = lines.findIndex(({ source, target }) => source === 2 && target === 5);
    expect(lines[line]?.parts).toEqual([1, 3]);
    expect(data.edges.weight[line]).toBe(-2);
  });

  it("leads a shared key to the heads that are in the circuit", () => {
    expect(ends(1)).not.toContain("0.1 1.0");
    expect(ends(2)).toContain("0.1 1.0");
    expect(readerName(rows, 1)).toBe("1.0-1");
    expect([0, 1, 2].map((e) => entryOf(rows, e))).toEqual(["v", "k", ""]);
  });

  it("keeps every node where it is at all sizes", () => {
    const at = (size: number) => Array.from(graphAt(size).data.nodes.place ?? []);
    expect(at(0)).toEqual(at(2));
    expect(Array.from(writing(rows, edgesAt(rows, 0)))).toEqual([1, 0, 1, 0, 0, 1, 1]);
  });

  it("folds a group into one node: what is inside is no line", () => {
    const said = ends(2, "late: 1.0, 1.1; early: 0.1, 0.mlp");
    expect(said).toEqual(["embedding early", "early late", "late logits"]);
    const { data, lines } = graphAt(2, "late: 1.0, 1.1; early: 0.1, 0.mlp");
    expect(data.nodes.row[7]).toBe(2);
    expect(lines[1]?.parts).toEqual([1, 3, 6]);
  });

  it("has effects of nodes at the chosen size alone", () => {
    const fill = (size: number) => graphAt(size).data.nodes.fill?.[2];
    expect([fill(1), fill(0)]).toEqual([1, Number.NaN]);
  });
});

describe("what is selected", () => {
  const graph = graphAt(2);
  it("is the head that views share, a part, a group or a line", () => {
    const of = (word: string, groups = "") =>
      subjectOf(word, [0, 1], rows, graph, readGroups(groups));
    expect(of("")).toEqual({ kind: "nodes", name: "0.1", members: [2], drawn: 2 });
    expect(of(HEAD)).toEqual(of(""));
    expect(of("0.mlp")).toMatchObject({ members: [3] });
    expect(of("late", "late: 1.0, 1.1")).toMatchObject({ members: [4, 5], drawn: null });
    expect(of("0.1 → 1.1")).toMatchObject({ kind: "line" });
    expect([of("1.1 → 0.1"), of("9.9")]).toEqual([null, null]);
    expect(lineName(graph, 0)).toBe("embedding → 0.1");
  });

  it("a node has what it reads and what it writes to; a group nothing of its own", () => {
    const all = edgesAt(rows, 2);
    expect(edgesOfNodes(rows, all, [5])).toEqual({ read: [1, 3, 6], written: [2] });
    expect(edgesOfNodes(rows, all, [2, 5])).toEqual({ read: [0, 6], written: [2] });
  });

  it("is said in words", () => {
    expect(edgeSaid(rows, 1)).toBe(
      "0.1 → 1.0-1 by k: −2.00 (90 % interval −2.00 to −2.00), q 0.020",
    );
    const line = graph.lines.findIndex(({ parts }) => parts.includes(3));
    expect(lineSaid(rows, graph, line)).toMatch(
      /^0\.1 → 1\.1: 2 edges, the strongest 0\.1 → 1\.0-1/,
    );
    expect(nodeSaid(rows, graph, 2)).toBe(
      "0.1: reads along 1, writes along 3 edges; effect 0.50 (90 % interval 0.50 to 0.50)",
    );
    expect(nodeSaid(rows, graph, NODES.length - 1)).not.toContain("effect");
  });
});

describe("by position", () => {
  const roles = ["BOS", "A", "B", "last"];
  const found = readCircuit(fakeCircuit({ edges: PLACED, roles, chosen: 0 })) as CircuitRows;
  const at = placesOf(found);
  const graph = circuitGraph(found, edgesAt(found, 0), at, [], true);
  const lines = graph.lines.map(
    ({ source, target }) => `${graph.names[source]} ${graph.names[target]}`,
  );

  it("leads a key from where it is read to where the head that attends to it writes", () => {
    expect(lines).toEqual([
      "embedding@0 0.1@1",
      "0.1@1 1.0@3",
      "embedding@3 1.0@3",
      "1.0@2 logits@2",
      "1.0@3 logits@3",
      "0.1@3 logits@3",
    ]);
  });

  it("has a column a position, and names of parts", () => {
    const node = graph.names.indexOf("1.0@3");
    expect(at[node]).toBeCloseTo(3.5 / 4);
    expect(graph.data.nodes.label[node]).toBe("1.0");
    expect(graph.data.nodes.row[node]).toBe(2);
  });

  it("says where an edge is, and has a node at a position, or a head at all of them", () => {
    expect(edgeSaid(found, 1)).toContain("0.1 → 1.0-1 by k at A: 2.00");
    const one = subjectOf("1.0@3", [0, 1], found, graph, []);
    expect(one).toMatchObject({ kind: "nodes", members: [graph.names.indexOf("1.0@3")] });
    expect(nodeSaid(found, graph, graph.names.indexOf("1.0@3"))).toContain("1.0 at last: reads");
    const head = subjectOf(HEAD, [0, 1], found, graph, []);
    expect(head?.kind === "nodes" && head.members.length).toBe(3);
    expect(membersSaid(found, head?.kind === "nodes" ? head.members : [])).toMatch(
      /^At .* · last\.$/,
    );
    const here = [graph.names.indexOf("1.0@3")];
    expect(edgesOfNodes(found, edgesAt(found, 0), here)).toEqual({ read: [1, 2], written: [4] });
  });
});

describe("groups", () => {
  it("are words, and come back from them", () => {
    const words = "induction: 1.0, 1.1; early: 0.1, 0.mlp";
    expect(writeGroups(readGroups(words))).toBe(words);
    expect(readGroups("nobody:; : 1.0; x")).toEqual([]);
    expect(readNames("1.0, 1.0 ,0.1")).toEqual(["1.0", "0.1"]);
    expect(toggled(["1.0"], "1.0")).toEqual([]);
  });

  it("share no member, and a name has no divider", () => {
    const one = withGroup([], "a; b: c", ["1.0", "1.1"]);
    expect(one).toEqual([{ name: "a  b  c", members: ["1.0", "1.1"] }]);
    const two = withGroup(one, "", ["1.1", "0.1"]);
    expect(two.map(({ members }) => members)).toEqual([["1.0"], ["1.1", "0.1"]]);
    expect(two[1]?.name).toBe("group 1");
  });
});
