// @vitest-environment happy-dom
import { expect, it } from "vitest";
import { fakeContext } from "../test/fake-context";
import { border, fit as fitted, snapper } from "./canvas";

function fakeCanvas(ratio: number) {
  const { ctx, of } = fakeContext(ratio);
  const sets: string[] = [];
  const size = { width: 300, height: 150 };
  const view = { devicePixelRatio: ratio };
  const canvas = {
    ownerDocument: { defaultView: view },
    style: {} as Record<string, string>,
    getContext: () => ctx,
    get width() {
      return size.width;
    },
    set width(v: number) {
      sets.push("width");
      size.width = v;
    },
    get height() {
      return size.height;
    },
    set height(v: number) {
      sets.push("height");
      size.height = v;
    },
  };
  return { canvas: canvas as unknown as HTMLCanvasElement, sets, of, view };
}

it("gives a canvas the screen's pixels, and sets its size only when it changes", () => {
  const { canvas, sets, of, view } = fakeCanvas(1.25);
  fitted(canvas, 100, 50);
  expect([canvas.width, canvas.height]).toEqual([125, 63]);
  expect([canvas.style.width, canvas.style.height]).toEqual(["100px", "50px"]);
  expect(of("setTransform")[0]?.args).toEqual([1.25, 0, 0, 1.25, 0, 0]);
  fitted(canvas, 100, 50);
  expect(sets).toEqual(["width", "height"]);
  view.devicePixelRatio = 2; // moved to another screen
  fitted(canvas, 100, 50);
  expect([canvas.width, canvas.height]).toEqual([200, 100]);
});

it("has at least one pixel", () => {
  const { canvas } = fakeCanvas(1);
  fitted(canvas, 0, 0);
  expect([canvas.width, canvas.height]).toEqual([1, 1]);
});

it("says so when there is no context", () => {
  const canvas = { style: {}, getContext: () => null } as unknown as HTMLCanvasElement;
  expect(() => fitted(canvas, 10, 10)).toThrow(/2D canvas context/);
});

it("snaps to device pixels, and draws borders outside of the box", () => {
  const { ctx, of } = fakeContext(1.25);
  expect(snapper(ctx)(10.5)).toBeCloseTo(10.4, 9);
  border(ctx, { x0: 8, y0: 8, x1: 16, y1: 16 }, 1);
  for (const { args } of of("fillRect")) {
    for (const v of args as number[]) expect(v * 1.25).toBeCloseTo(Math.round(v * 1.25), 9);
  }
  const [left, top] = (of("fillRect")[0]?.args ?? []) as number[];
  expect(left).toBeLessThan(8);
  expect(top).toBeLessThan(8);
});
