import { describe, expect, it } from "vitest";
import { fakeContext } from "../test/fake-context";
import { lightTheme } from "../test/fake-theme";
import { diverging, sequential } from "./color";
import { drawLegend, type LegendDrawing, shortNumber } from "./legend";

const drawing: LegendDrawing = {
  x: 10,
  y: 20,
  width: 200,
  height: 8,
  table: sequential(lightTheme),
  theme: lightTheme,
  vmin: 0,
  vmax: 1,
  chance: null,
  marker: null,
};

function draw(part: Partial<LegendDrawing>) {
  const fake = fakeContext();
  drawLegend(fake.ctx, { ...drawing, ...part });
  return fake;
}

describe("drawLegend", () => {
  it("tells its ends", () => {
    expect(
      draw({})
        .texts()
        .map((t) => t.text),
    ).toEqual(["0", "1"]);
    expect(
      draw({ table: diverging(lightTheme), vmin: -2.5, vmax: 2.5 })
        .texts()
        .map((t) => t.text),
    ).toEqual(["−2.5", "2.5"]);
  });

  it("says chance in words, within the bar, and never in the accent", () => {
    for (const chance of [0, 0.02, 0.5, 1, 40]) {
      const { of, drawn } = draw({ chance });
      const word = of("fillText").find((d) => d.args[0] === "chance");
      expect(Number(word?.args[1])).toBeGreaterThanOrEqual(10);
      expect(Number(word?.args[1]) + 36).toBeLessThanOrEqual(210);
      expect(drawn.some((d) => d.fill === lightTheme.accent)).toBe(false);
    }
  });

  it("has no tick for a chance that is not known, and no triangle without a selection", () => {
    expect(draw({ chance: Number.NaN }).texts()).toHaveLength(2);
    expect(draw({ marker: Number.NaN }).of("fill")).toHaveLength(0);
    const marked = draw({ marker: 0.5 });
    expect(marked.of("fill").map((d) => d.fill)).toEqual([lightTheme.accent]);
    // The bar goes from 23 to 197.
    expect(marked.of("moveTo")[0]?.args[0]).toBe(110);
  });
});

it.each([
  [0, "0"],
  [1, "1"],
  [0.25, "0.25"],
  [0.123456, "0.12"],
  [0.9, "0.9"],
  [-3.08, "−3.1"],
  [0.004, "0.004"],
  [0.00031, "3.1e-4"],
  [250.4, "250"],
  [12345, "1.2e+4"],
  [20000, "2e+4"],
  [Number.NaN, "–"],
])("shortNumber(%f) is %s", (value, text) => expect(shortNumber(value)).toBe(text));
