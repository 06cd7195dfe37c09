import { describe, expect, it } from "vitest";
import { fakeContext } from "../test/fake-context";
import { lightTheme } from "../test/fake-theme";
import { type Arc, curve, drawArcs } from "./arcs";

const same: Arc = { from: { x: 200, y: 50 }, to: { x: 40, y: 50 }, weight: 0.5 };
const other: Arc = { from: { x: 200, y: 82 }, to: { x: 40, y: 50 }, weight: 0.5 };
const height = ({ from, to }: Arc, t: number): number => {
  const { c1, c2 } = curve({ from, to, weight: 1 });
  const u = 1 - t;
  return u ** 3 * from.y + 3 * u * u * t * c1.y + 3 * u * t * t * c2.y + t ** 3 * to.y;
};

describe("curve", () => {
  it("stands above the line, taller the further it goes, never into the line above", () => {
    const rise = (distance: number): number =>
      50 - height({ ...same, to: { x: 200 - distance, y: 50 } }, 0.5);
    expect(rise(20)).toBeGreaterThan(4);
    expect(rise(100)).toBeGreaterThan(rise(20));
    expect(rise(5000)).toBeLessThanOrEqual(22.001);
  });

  it("climbs straight up to another line and arrives from above", () => {
    for (const arc of [other, { ...other, from: other.to, to: other.from }]) {
      const { c1, c2 } = curve(arc);
      expect(c1.x).toBe(arc.from.x);
      expect(c2.x).toBe(arc.to.x);
      expect(Math.max(c1.y, c2.y)).toBeLessThan(50);
    }
  });
});

describe("drawArcs", () => {
  it("draws strong arcs last, and leaves out what weighs nothing", () => {
    const { ctx, of } = fakeContext();
    const at = (x: number, weight: number): Arc => ({ ...same, to: { x, y: 50 }, weight });
    drawArcs(ctx, [at(1, 0.9), at(2, 0), at(3, Number.NaN), at(4, 0.1), at(5, -1)], lightTheme);
    expect(of("bezierCurveTo").map((d) => d.args[4])).toEqual([4, 1]);
    expect(of("bezierCurveTo").every((d) => d.stroke === lightTheme.accent)).toBe(true);
  });
});
