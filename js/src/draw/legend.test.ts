import { describe, expect, it } from "vitest";
import { fakeContext } from "../test/fake-context";
import { lightTheme } from "../test/fake-theme";
import { sequential } from "./color";
import { drawLegend, type LegendDrawing } from "./legend";
import { shortNumber } from "./number";

const scale = { least: 0, most: 1, signed: false, unit: "attention" };
const drawing: LegendDrawing = {
  x: 10,
  y: 20,
  width: 200,
  height: 8,
  table: sequential(lightTheme),
  theme: lightTheme,
  scale,
  marker: null,
};

function draw(part: Partial<LegendDrawing>) {
  const fake = fakeContext();
  drawLegend(fake.ctx, { ...drawing, ...part });
  return fake;
}

describe("drawLegend", () => {
  it("marks chance within the bar, and never in the accent", () => {
    for (const chance of [0, 0.02, 0.5, 1, 40]) {
      const { of, drawn } = draw({ scale: { ...scale, chance } });
      const tick = of("fillRect").find((d) => d.fill === lightTheme.chance);
      expect(Number(tick?.args[0])).toBeGreaterThanOrEqual(9.5);
      expect(Number(tick?.args[0])).toBeLessThanOrEqual(210);
      expect(drawn.some((d) => d.fill === lightTheme.accent)).toBe(false);
    }
  });

  it("has no tick for a chance that is not known, and no triangle without a selection", () => {
    const ticks = (chance: number | null) =>
      draw({ scale: { ...scale, chance } })
        .of("fillRect")
        .filter((d) => d.fill === lightTheme.chance);
    expect(ticks(Number.NaN)).toHaveLength(0);
    expect(ticks(null)).toHaveLength(0);
    expect(draw({ marker: Number.NaN }).of("fill")).toHaveLength(0);
    const marked = draw({ marker: 0.5 });
    expect(marked.of("fill").map((d) => d.fill)).toEqual([lightTheme.accent]);
    expect(marked.of("moveTo")[0]?.args[0]).toBe(110);
  });

  it("marks 0 in the middle of a signed scale", () => {
    const signed = { least: -2, most: 2, signed: true, unit: "nats" };
    const zero = draw({ scale: signed })
      .of("fillRect")
      .find((d) => d.fill === lightTheme.muted);
    expect(zero?.args[0]).toBe(109.5);
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
  [0.00031, "3.1e−4"],
  [250.4, "250"],
  [12345, "1.2e+4"],
  [20000, "2e+4"],
  [Number.NaN, "–"],
])("shortNumber(%f) is %s", (value, text) => expect(shortNumber(value)).toBe(text));
