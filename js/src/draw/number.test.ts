import { describe, expect, it } from "vitest";
import { counted, exact, fixed, interval, shortNumber } from "./number";

describe("numbers", () => {
  it("have a true minus, and zero has no sign", () => {
    expect([fixed(-0.5), fixed(-0.001), fixed(-0.4, 0)]).toEqual(["−0.50", "0.00", "0"]);
    expect([exact(-0.00042), shortNumber(-3.14)]).toEqual(["−4.2e−4", "−3.1"]);
  });

  it("that are missing are a dash, and never 0", () => {
    for (const value of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY])
      expect([fixed(value), exact(value), shortNumber(value)]).toEqual(["–", "–", "–"]);
    expect(interval(Number.NaN, 1)).toBe("");
  });

  it("tell a small one from zero where it matters", () => {
    expect([fixed(0.0004), exact(0.0004), exact(0), exact(0.02, 3)]).toEqual([
      "0.00",
      "4e−4",
      "0.0000",
      "0.020",
    ]);
    expect([0, 1, 0.25, 0.004, 0.0001, 123.4, 12_000].map(shortNumber)).toEqual([
      "0",
      "1",
      "0.25",
      "0.004",
      "1e−4",
      "123",
      "1.2e+4",
    ]);
  });

  it("agree with what they count", () => {
    expect([counted(1, "head"), counted(0, "head"), counted(2, "entry", "entries")]).toEqual([
      "1 head",
      "0 heads",
      "2 entries",
    ]);
  });
});
