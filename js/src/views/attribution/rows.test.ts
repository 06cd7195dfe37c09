import { expect, test } from "vitest";
import { type AttributionRows, isOutside } from "./rows";

function rows(share: number, low: number, high: number, ends = [NaN, NaN]): AttributionRows {
  const one = (value: number) => new Float32Array([value]);
  const parts = {
    ...{ name: ["1.2"], kind: ["head"], head: [[1, 2] as [number, number]], label: "", about: "" },
    ...{ share: one(share), low: one(ends[0] ?? 0), high: one(ends[1] ?? 0), interval: "" },
    ...{ nullLow: one(low), nullHigh: one(high), nullLabel: "", nullAbout: "" },
  };
  return { heading: "", nPrompts: 1, missing: "", facts: [], parts };
}

test("a number is outside of its null on either side, and never of one that is missing", () => {
  expect(isOutside(rows(2, -1, 1), 0)).toBe(true);
  expect(isOutside(rows(-2, -1, 1), 0)).toBe(true);
  expect(isOutside(rows(0.5, -1, 1), 0)).toBe(false);
  expect(isOutside(rows(2, Number.NaN, Number.NaN), 0)).toBe(false);
  expect(isOutside(rows(Number.NaN, -1, 1), 0)).toBe(false);
});

test("what may be 0 by its own interval is not outside", () => {
  expect(isOutside(rows(2, -1, 1, [-1, 5]), 0)).toBe(false);
  expect(isOutside(rows(2, -1, 1, [0.5, 3.5]), 0)).toBe(true);
});
