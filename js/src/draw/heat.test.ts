import { describe, expect, it } from "vitest";
import { heatImage, hitHeat } from "./heat";

describe("heat", () => {
  const table = Uint32Array.from({ length: 256 }, (_, i) => i + 1);

  it("puts values between the ends of the table, and nothing where they are missing", () => {
    const values = [-1, 0, Number.NaN, 2];
    const image = heatImage({ n: 2, values, table, min: -1, max: 1 });
    expect([...new Uint32Array(image.data.buffer)]).toEqual([1, 129, 0, 256]);
  });

  it("finds the cell under a point", () => {
    const at = { x: 10, y: 20, size: 100, n: 4 };
    expect(hitHeat(at, 10, 20)).toEqual({ row: 0, col: 0 });
    expect(hitHeat(at, 109, 45)).toEqual({ row: 1, col: 3 });
    expect(hitHeat(at, 9, 30)).toBeNull();
  });
});
