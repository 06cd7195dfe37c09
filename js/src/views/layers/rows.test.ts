import { expect, it } from "vitest";
import { fakeLayers } from "../../test/fake-layers";
import { layersGraph } from "./graph";
import { countAbove, readLayers, thresholdOf } from "./rows";
import { subjectOf } from "./state";
import { boundSaid, flowSaid, levelSaid, thresholdSaid } from "./words";

const rows = () => {
  const read = readLayers(fakeLayers());
  if (!read) throw new Error("not read");
  return read;
};

it("counts the flows above a threshold, and finds the threshold of a count", () => {
  const read = rows();
  expect([9, 2.5, 2, 0.1].map((least) => countAbove(read, least))).toEqual([0, 1, 1, 4]);
  for (const count of [0, 1, 2, 3, 4])
    expect(countAbove(read, thresholdOf(read, count))).toBe(count);
});

it("selects a flow, a part or a level by its name", () => {
  const read = rows();
  expect(subjectOf(read, "")).toMatchObject({ kind: "flow", name: "0.attn → logits" });
  expect(subjectOf(read, "embedding → 0.attn")).toMatchObject({ kind: "flow", flow: 0 });
  expect(subjectOf(read, "0.mlp")).toMatchObject({ kind: "part", part: 2 });
  expect(subjectOf(read, "low")).toMatchObject({ kind: "level" });
  expect(subjectOf(read, "9.attn")).toBeNull();
});

it("says flows, levels and thresholds in words", () => {
  const read = rows();
  expect(flowSaid(read, 0)).toBe(
    "embedding → 0.attn: 3.00 (90 % interval 2.00 to 4.00); by an exact run 3.50",
  );
  expect(flowSaid(read, 1)).toBe("0.attn → logits: −2.00 (90 % interval −3.00 to −1.00)");
  expect(levelSaid(read, read.levels[1] as never)).toBe("layer 0");
  expect(thresholdSaid(read, 0.75, 3)).toBe("0.750: 3 flows of 5");
  expect(boundSaid(read, 0.75)).toBe("the largest by chance");
  expect(boundSaid(read, 2)).toBe("the largest by chance is 0.750");
});

it("draws attention left, the MLP right and behind, and what may be chance faintly", () => {
  const { nodes, edges, rows: names } = layersGraph(rows());
  expect(names).toEqual(["in", "0", "out"]);
  expect(nodes.lag).toEqual([0, 0, 0.5, 0]);
  expect((nodes.place?.[1] ?? 1) < (nodes.place?.[2] ?? 0)).toBe(true);
  expect(Array.from(edges.alpha ?? []).map((a) => a === 1)).toEqual([true, true, true, false]);
});
