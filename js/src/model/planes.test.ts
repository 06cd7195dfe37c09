import { describe, expect, it } from "vitest";
import { baselineOf, faintOf, type Plane } from "./planes";

const about = {
  name: "x",
  label: "X",
  group: "this text",
  about: "",
  source: "",
  value: 0,
  control: null,
  low: null,
  high: null,
  interval: "",
  bar: null,
  chance: 0.1,
  least: 0,
  most: 1,
};
const plane = (part: Partial<Plane>, of: Partial<Plane["about"]> = {}): Plane => ({
  about: { ...about, ...of },
  value: Float32Array.of(0.5, 0.05, Number.NaN),
  control: null,
  low: null,
  high: null,
  bar: null,
  ...part,
});

describe("what cannot be told from its baseline", () => {
  it("is below chance, or has an interval that reaches down to it", () => {
    expect([...faintOf(plane({}))]).toEqual([0, 1, 0]);
    const low = Float32Array.of(-0.2, 0.02, Number.NaN);
    expect([...faintOf(plane({ low }))]).toEqual([1, 1, 0]);
  });

  it("is measured by the control where there is one, and by the control's own interval", () => {
    const control = Float32Array.of(0.6, Number.NaN, 0);
    expect(baselineOf(plane({ control }), 0)).toBeCloseTo(0.6);
    expect(baselineOf(plane({ control }), 1)).toBeCloseTo(0.1);
    expect([...faintOf(plane({ control }))]).toEqual([1, 1, 0]);
    expect([...faintOf(plane({ bar: Float32Array.of(0.4, 0, 0) }))]).toEqual([0, 0, 0]);
  });

  it("is either side of it where the score has a sign", () => {
    const value = Float32Array.of(-0.8, 0.2, 0.3);
    const [low, high] = [Float32Array.of(-0.9, -0.1, 0.2), Float32Array.of(-0.7, 0.5, 0.4)];
    const signed = { least: -1, chance: 0 };
    expect([...faintOf(plane({ value, low, high }, signed))]).toEqual([0, 1, 0]);
  });

  it("is nothing where there is no baseline, or chance gives the most there is", () => {
    expect([...faintOf(plane({}, { chance: null }))]).toEqual([0, 0, 0]);
    expect([...faintOf(plane({}, { chance: 1 }))]).toEqual([0, 0, 0]);
  });
});
