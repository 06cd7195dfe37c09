import { describe, expect, it } from "vitest";
import type { Plane } from "../model/session";
import type { PatternKind } from "../views/patterns/rows";
import { holds, labelled } from "./gallery";

const plane = (name: string, value: number[], more: Partial<Plane> = {}): Plane => ({
  about: { name, chance: null } as Plane["about"],
  value: Float32Array.from(value),
  control: null,
  low: null,
  high: null,
  bar: null,
  ...more,
});
const kind = (name: string, score: string, threshold: number) =>
  ({ name, score, threshold }) as PatternKind;

describe("labels", () => {
  it("need the low end above the threshold", () => {
    const low = Float32Array.from([0.65, 0.75, Number.NaN]);
    const of = plane("a", [0.8, 0.8, 0.8], { low });
    expect([0, 1, 2].map((i) => holds(of, i, 0.7))).toEqual([false, true, true]);
  });

  it("need it above the null too: the control's high end, else its mean, else chance", () => {
    const value = [0.6, 0.6, 0.6];
    const bar = Float32Array.from([0.7, 0.5, Number.NaN]);
    const control = Float32Array.from([0.1, 0.1, 0.65]);
    const of = plane("a", value, { bar, control });
    expect([0, 1, 2].map((i) => holds(of, i, 0.5))).toEqual([false, true, false]);
    const chance = plane("b", value, { about: { name: "b", chance: 0.63 } as Plane["about"] });
    expect(holds(chance, 0, 0.5)).toBe(false);
  });

  it("are the first class that holds, and other where none does or nothing was computed", () => {
    const planes = [plane("a", [0.9, 0.1, Number.NaN]), plane("b", [0.9, 0.9, Number.NaN])];
    const kinds = [kind("first", "a", 0.5), kind("second", "b", 0.5)];
    expect(labelled(kinds, planes, {}, 3)).toEqual(["first", "second", "other"]);
    expect(labelled(kinds, planes, { first: 0.95 }, 3)).toEqual(["second", "second", "other"]);
  });
});
