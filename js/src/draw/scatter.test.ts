import { describe, expect, it } from "vitest";
import { fakeContext } from "../test/fake-context";
import { lightTheme } from "../test/fake-theme";
import { drawScatter, drawScatterOver, hitScatter, placed, type ScatterDrawing } from "./scatter";

const drawing: ScatterDrawing = {
  width: 150,
  height: 142,
  x: { label: "x", min: 0, max: 1, chance: 0.1 },
  y: { label: "y", min: -1, max: 1, chance: null },
  xs: [0, 1, Number.NaN, 0.5],
  ys: [-1, 1, 0, 0],
  colour: "#123456",
  theme: lightTheme,
};

describe("scatter", () => {
  it("puts the ends of both axes at the corners, and nothing where a value is missing", () => {
    expect(placed(drawing, 0)).toEqual({ x: 40, y: 108 });
    expect(placed(drawing, 1)).toEqual({ x: 140, y: 8 });
    expect(placed(drawing, 2)).toBeNull();
    expect(placed(drawing, 3)).toEqual({ x: 90, y: 58 });
  });

  it("finds the nearest within reach", () => {
    expect(hitScatter(drawing, 92, 60)).toBe(3);
    expect(hitScatter(drawing, 60, 60)).toBeNull();
  });

  it("draws every mark that has both values, once", () => {
    const { ctx, of } = fakeContext();
    drawScatter(ctx, drawing);
    expect(of("arc")).toHaveLength(3);
  });

  it("marks what is selected in the accent, and rings what is pointed at", () => {
    const { ctx, of } = fakeContext();
    drawScatterOver(ctx, drawing, { selected: 3, hover: 1 });
    expect(of("fill").map((d) => d.fill)).toEqual([lightTheme.accent]);
    expect(of("stroke").map((d) => d.stroke)).toEqual([lightTheme.ink]);
  });
});
