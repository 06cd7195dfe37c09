import { expect, test } from "vitest";
import { fakeTable, fakeTopic } from "../../test/fake-blocks";
import { asPython, costsAt, goneAt, large, pointSaid, readOptimization, timeSaid } from "./rows";
import { short } from "./Suggestions";

const points = fakeTable("points", {
  heads: { ints: [0, 2, 3] },
  rise: { numbers: [0, 0.4, 2] },
  low: { numbers: [0, 0.1, null], role: "low", of: "rise", about: "95 % interval" },
  high: { numbers: [0, 0.7, null], role: "high", of: "rise" },
  null: { numbers: [null, 12, 30], role: "null", of: "rise" },
  best_random: { numbers: [null, 9, null] },
  parameters: { numbers: [134_515_008, 130_000_000, null] },
  bytes: { numbers: [538_000_000, 520_000_000, null] },
  cache_bytes: { numbers: [46_080, 46_080, null] },
  seconds: { numbers: [0.1, 0.09, null] },
  whole_seconds: { numbers: [0.1, 0.1, null] },
  saved: { numbers: [null, 8, 3] },
  saved_low: { numbers: [null, -2, null], role: "low", of: "saved", about: "95 % interval" },
  saved_high: { numbers: [null, 10, null], role: "high", of: "saved" },
});
const order = fakeTable("order", {
  head: {
    heads: [
      [2, 1],
      [0, 3],
      [1, 0],
    ],
  },
});
const suggestions = fakeTable("suggestions", {
  kind: { texts: ["capacity_increase"] },
  components: { texts: ["1.2"] },
  head: { heads: [[1, 2]] },
  evidence: { texts: ["Without 1.2 80 % is lost."] },
  missing: { texts: ["Training."] },
  state: { texts: ["takes training"] },
  value: { numbers: [80] },
  value_low: { numbers: [70], role: "low", of: "value", about: "95 % interval" },
  value_high: { numbers: [90], role: "high", of: "value" },
});
const scalars = { task: "ioi", chosen: 1, tolerance: 1, n_heads: 270, unsliced: "", skipped: "" };
const others = { n_scored: 8, n_held_out: 8, complete: true };
const rows = readOptimization(
  fakeTopic("optimization", { ...scalars, ...others }, points, order, suggestions),
);

test("the heads that are gone at a point, as Python takes them", () => {
  expect(goneAt(rows, 0)).toEqual([]);
  expect(goneAt(rows, 1)).toEqual([
    [0, 3],
    [2, 1],
  ]);
  expect(asPython(goneAt(rows, 1))).toBe('small = cw.prune_heads(model, ["0.3", "2.1"])');
  expect(asPython([])).toBe("small = model");
  // The order itself is left as it is.
  expect(rows.order[0]).toEqual([2, 1]);
});

test("a point in words", () => {
  expect(pointSaid(rows, 1)).toBe(
    "2 of 270 heads pruned: loss +0.40 % (95 % interval 0.10 to 0.70 %); random heads +12.00 %, the best of them on the other texts +9.00 %",
  );
  expect(pointSaid(rows, 2)).toBe("3 of 270 heads pruned: loss +2.00 %; random heads +30.00 %");
});

test("what a smaller model costs, and what was not measured", () => {
  const [parameters, , cache, time] = costsAt(rows, 1);
  expect(parameters).toMatchObject({ whole: "134.5 M", less: "130.0 M", saved: "3.4 %" });
  expect(cache).toMatchObject({ whole: "46.1 kB", saved: "0.0 %" });
  expect(time).toMatchObject({
    whole: "100.0 ms",
    less: "90.0 ms",
    saved: "not resolved",
  });
  expect(costsAt(rows, 2)[3]).toMatchObject({ less: "–", saved: "not resolved" });
  expect(timeSaid(rows, 1)).toBe("A pass saves 8.0 % of its time (95 % interval −2.0 to 10.0 %).");
  expect(timeSaid(rows, 2)).toContain("too few passes");
  expect(timeSaid(rows, 0)).toBe("");
  expect(costsAt(rows, 0)[3]).toMatchObject({ saved: "–" });
  expect(large(512, "B")).toBe("512 B");
});

test("a suggestion", () => {
  expect(rows.suggestions[0]).toMatchObject({ kind: "capacity increase", head: [1, 2] });
  expect(rows.effect?.interval).toBe("95 % interval");
  expect(short("0.1, 0.2, 0.3, 0.4, 0.5, 0.6")).toBe("0.1, 0.2, 0.3, 0.4 and 2 more");
});
