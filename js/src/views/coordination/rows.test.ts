import { expect, it } from "vitest";
import { fakeTable } from "../../test/fake-blocks";
import { readTopic } from "../../wire/blocks";
import { pairGraph } from "./graph";
import { readCoordination, strongest } from "./rows";

const none = Number.NaN;
const heads: [number, number][] = [
  [1, 0],
  [0, 0],
  [0, 1],
];
const axis = { label: "head", ticks: "heads", heads, texts: null, n: 3 } as const;
const matrix = (name: string) => ({
  ...({ kind: "matrix", name, title: "", about: "", unit: "", signed: true } as const),
  ...{ rows: axis, cols: axis, least: -1, most: 1, offset: 0 },
});
const bytes = (values: number[]) => new DataView(Float32Array.from(values).buffer);
const estimates = (name: string) => ({
  [name]: { numbers: [null, 0.5] },
  [`${name}_low`]: { numbers: [null, 0.25], role: "low", of: name } as const,
  [`${name}_high`]: { numbers: [null, 0.75], role: "high", of: name } as const,
});
const pairs = fakeTable("pairs", {
  a: { heads: [heads[2] as [number, number], heads[1] as [number, number]] },
  b: { heads: [heads[0] as [number, number], heads[0] as [number, number]] },
  type: { texts: ["not resolved", "serial"] },
  sign: { texts: ["", ""] },
  reason: { texts: ["one prompt gives no interval", ""] },
  reader: { texts: ["", "2.1"] },
  reader_a: { numbers: [null, 0.5] },
  reader_b: { numbers: [null, 0.25] },
  path_null_low: { numbers: [null, -0.25] },
  path_null_high: { numbers: [null, 0.25] },
  value: { numbers: [0.2, -0.9] },
  q: { numbers: [0.01, 0.01] },
  ...estimates("path"),
  ...estimates("interaction"),
});
const reasons = fakeTable("reasons", { reason: { texts: ["nothing varies"] } });
const topic = (value: DataView | null) =>
  readTopic(
    {
      kind: "coordination",
      scalars: {
        method: "pearson",
        signed: true,
        fdr: 0.05,
        equivalence: 0.02,
        significance: "2 of 3.\nThe rest.",
      },
      blocks: [matrix("value"), matrix("q"), matrix("why"), reasons.info, pairs.info],
    },
    {
      value,
      why: bytes([-1, -1, 0, -1, -1, -1, 0, -1, -1]),
      reasons: reasons.data,
      q: bytes([none, 0.001, 0.01, 0.001, none, 0.9, 0.01, 0.9, none]),
      pairs: pairs.data,
    },
  );
const whole = topic(bytes([none, -0.9, 0.3, -0.9, none, 0.1, 0.3, 0.1, none]));

it("reads matrices and names in one order, and sorts the pairs by size", () => {
  const rows = readCoordination(whole);
  expect(rows?.heads).toEqual([
    [1, 0],
    [0, 0],
    [0, 1],
  ]);
  expect(rows?.value[1]).toBeCloseTo(-0.9);
  expect(rows?.pairs.map((pair) => pair.value)).toEqual([-0.9, 0.2].map(Math.fround));
  expect(rows?.pairs[0]?.path).toEqual({ value: 0.5, low: 0.25, high: 0.75 });
  expect(rows?.pairs[0]?.others).toEqual([-0.25, 0.25]);
  expect([rows?.pairs[0]?.reader, rows?.pairs[0]?.heard]).toEqual(["2.1", [0.5, 0.25]]);
  expect(rows?.pairs[1]?.reason).toBe("one prompt gives no interval");
  expect(rows?.pairs[1]?.path.value).toBeNaN();
  expect([rows?.why(2), rows?.why(1)]).toEqual(["nothing varies", ""]);
  expect(rows?.significance).toEqual(["2 of 3.", "The rest."]);
  expect(readCoordination(topic(null))).toBeNull();
});

it("makes edges of the significant pairs alone, from the earlier layer, the strongest first", () => {
  const graph = pairGraph(readCoordination(whole) as never);
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
  const rows = readCoordination(whole) as NonNullable<ReturnType<typeof readCoordination>>;
  const edge = { sender: [0, 0], receiver: [1, 0] };
  expect(strongest(rows)).toEqual(edge);
  expect(strongest({ ...rows, pairs: [] })).toEqual(edge);
  expect(strongest({ ...rows, pairs: [], value: new Float32Array(9).fill(Number.NaN) })).toBeNull();
});
