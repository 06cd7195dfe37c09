import { describe, expect, it } from "vitest";
import { fakeContext } from "../test/fake-context";
import { lightTheme } from "../test/fake-theme";
import { drawBands, extent, isBeyondZero, nearestToken, reach, ticks } from "./bands";

describe("a chart below words", () => {
  it("has 0 and every interval in its extent, however long the text", () => {
    expect(extent([1, -2, Number.NaN], [Number.NaN, -3], [4])).toEqual({ least: -3, most: 4 });
    expect(reach({ value: [1, 2], low: [-90, 1], high: [91, 3] })).toEqual({ least: -3, most: 5 });
    expect(reach({ value: [1, 2], low: [0, 1], high: [1.5, 3] })).toEqual({ least: 0, most: 3 });
    expect(extent([Number.NaN])).toEqual({ least: 0, most: 1 });
    const long = new Float32Array(200_000).fill(0.5);
    expect(extent(long, long, long)).toEqual({ least: 0, most: 0.5 });
  });

  it("has round ticks, 0 among them", () => {
    expect(ticks(-0.31, 1.2, 3)).toEqual([0, 0.5, 1]);
    expect(ticks(0, 0.034, 3)).toEqual([0, 0.02]);
    expect(ticks(-9, 0, 3)).toEqual([-5, 0]);
  });

  it("takes no interval for unknown, not for none", () => {
    expect(isBeyondZero(-1, 2)).toBe(false);
    expect(isBeyondZero(0.1, 2)).toBe(true);
    expect(isBeyondZero(-2, -0.1)).toBe(true);
    expect(isBeyondZero(Number.NaN, Number.NaN)).toBe(true);
  });

  const bands = [
    { x0: 40, x1: 200, y0: 30, y1: 70 },
    { x0: 40, x1: 200, y0: 130, y1: 170 },
  ];
  const [x, band] = [
    [50, 90, 60],
    [0, 0, 1],
  ];

  it("puts a dot below its word, in its line's band, and none where a value is missing", () => {
    const fake = fakeContext();
    const none = [Number.NaN, Number.NaN, Number.NaN];
    const value = [1, Number.NaN, 0.5];
    drawBands(fake.ctx, {
      ...{ bands, x, band, value, low: none, high: none },
      ...{ hover: null, theme: lightTheme },
    });
    const dots = fake.of("arc").map(({ args }) => args.slice(0, 2));
    expect(dots).toEqual([
      [50, 30],
      [60, 150],
    ]);
    // Ticks on each band, and the positions.
    const texts = fake.texts().map(({ text }) => text);
    expect(texts.filter((text) => text === "0.5")).toHaveLength(2);
    expect(texts).toContain("2");
  });

  it("finds the nearest word from below it", () => {
    expect(nearestToken({ bands, x, band }, 80, 50)).toBe(1);
    expect(nearestToken({ bands, x, band }, 80, 150)).toBe(2);
    expect(nearestToken({ bands, x, band }, 80, 100)).toBeNull();
  });
});
