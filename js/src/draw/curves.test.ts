import { expect, it } from "vitest";
import { fakeContext } from "../test/fake-context";
import { lightTheme } from "../test/fake-theme";
import { type CurvesDrawing, drawCurves, frameOf, grouped, hitCurves } from "./curves";

const drawing: CurvesDrawing = {
  ...{ width: 260, height: 140, xs: [1, 10, 1000], log: true, xLabel: "edges", yLabel: "share" },
  curves: [
    {
      ...{ label: "alone", colour: "#000000", dash: [] },
      ...{ values: [0, 0.5, 1], low: [-9, 0.4, 1], high: [0.1, 0.6, Number.NaN] },
    },
  ],
  lines: [0, 1],
  theme: lightTheme,
};

it("puts points on a logarithmic axis, and finds the nearest", () => {
  const { x, x0, x1 } = frameOf(drawing);
  expect([x(1), x(1000)]).toEqual([x0, x1]);
  expect(x(10)).toBeCloseTo(x0 + (x1 - x0) / 3);
  expect([x0, x(10) + 3, x1 + 40].map((at) => hitCurves(drawing, at))).toEqual([0, 1, 2]);
});

it("cuts a wild interval: the curves keep their room", () => {
  const { least, most, y, y1 } = frameOf(drawing);
  expect([least, most]).toEqual([-0.5, 1]);
  expect(y(-9)).toBe(y1);
});

it("leaves out what is not measured", () => {
  const ctx = fakeContext();
  drawCurves(ctx.ctx, drawing);
  const bands = ctx.of("fill").length;
  const none = { ...drawing.curves[0], values: [Number.NaN, Number.NaN, Number.NaN] };
  const blank = fakeContext();
  drawCurves(blank.ctx, { ...drawing, curves: [none as (typeof drawing.curves)[0]] });
  expect(bands - blank.of("fill").length).toBe(3);
});

it("writes numbers of edges with their thousands", () => {
  expect(grouped(70651)).toBe("70,651");
});

it("has a place for 0 on a logarithmic axis, before the first number", () => {
  const { x, x0, x1 } = frameOf({ ...drawing, xs: [0, 1, 10, 1000] });
  expect([x(0), x(1000)]).toEqual([x0, x1]);
  expect(x(1)).toBeGreaterThan(x0);
  expect(x(1)).toBeLessThan(x(10));
});

it("names stretches above the curves, and draws whiskers where their ends may be", () => {
  const stretch = { from: 1, to: 10, label: "unstable", look: "tint" as const };
  const plain = fakeContext();
  drawCurves(plain.ctx, drawing);
  const named = fakeContext();
  const ends = [[1, 10]] as const;
  const given = { ...drawing, stretches: [{ ...stretch, ends }] };
  drawCurves(named.ctx, given);
  expect(frameOf(given).y0).toBeGreaterThan(frameOf(drawing).y0);
  expect(named.of("fillText").length).toBe(plain.of("fillText").length + 1);
  expect(named.of("fillRect").length).toBe(plain.of("fillRect").length + 3);
  expect(frameOf({ ...given, stretches: [{ ...stretch, label: "" }] }).y0).toBe(
    frameOf(drawing).y0,
  );
});
