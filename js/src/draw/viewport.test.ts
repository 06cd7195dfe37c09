// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { clamp, hit, panBy, reveal, type View, type Window, whole, zoomAt } from "./viewport";

const N = 50;
const shape = { rows: N, cols: N };
const all = whole(shape);
const view: View = { ...all, x: 80, y: 70, width: 500, height: 500 };

function inside(w: Window, n: number): void {
  expect(w.r0).toBeGreaterThanOrEqual(0);
  expect(w.c0).toBeGreaterThanOrEqual(0);
  expect(w.r1).toBeLessThanOrEqual(n + 1e-9);
  expect(w.c1).toBeLessThanOrEqual(n + 1e-9);
  expect(w.r1 - w.r0).toBeCloseTo(w.c1 - w.c0, 9);
  expect(w.r1 - w.r0).toBeGreaterThanOrEqual(Math.min(4, n) - 1e-9);
}

describe("hit", () => {
  it("finds the cell, and nothing outside or in the future", () => {
    expect(hit(view, 80, 70)).toEqual({ row: 0, col: 0 });
    expect(hit(view, 80 + 25, 70 + 399)).toEqual({ row: 39, col: 2 });
    expect(hit(view, 80 + 499.9, 70 + 499.9)).toEqual({ row: 49, col: 49 });
    expect(hit(view, 80 + 30, 70 + 10)).toEqual({ row: 1, col: 3 });
    expect(hit(view, 80 + 30, 70 + 10, true)).toBeNull();
    expect(hit(view, 79, 300)).toBeNull();
    expect(hit(view, 580, 570)).toBeNull();
    expect(hit(view, Number.NaN, 100)).toBeNull();
  });

  it("knows matrices that are no squares", () => {
    const wide = { ...whole({ rows: 2, cols: 10 }), x: 0, y: 0, width: 100, height: 40 };
    expect(hit(wide, 95, 25)).toEqual({ row: 1, col: 9 });
  });
});

describe("zoomAt", () => {
  it("keeps what is under the pointer there", () => {
    const closer = zoomAt(all, shape, 2, { across: 0.2, down: 0.8 });
    expect(closer.r1 - closer.r0).toBeCloseTo(25, 9);
    expect(hit({ ...view, ...closer }, 180.01, 470.01)).toEqual(hit(view, 180.01, 470.01));
  });

  it("comes back, and stops at both ends", () => {
    const at = { across: 0.25, down: 0.7 };
    expect(zoomAt(zoomAt(all, shape, 3, at), shape, 1 / 3, at)).toEqual(all);
    const closest = zoomAt(all, shape, 1e6, at);
    expect(closest.r1 - closest.r0).toBeCloseTo(4, 9);
    expect(zoomAt(all, shape, 0.01, at)).toEqual(all);
  });

  it("stays square and inside, wherever one goes", () => {
    let w = all;
    let seed = 1;
    const random = (): number => {
      seed = (seed * 16807) % 2147483647;
      return seed / 2147483647;
    };
    for (let i = 0; i < 300; i++) {
      w = zoomAt(w, shape, 0.4 + 2 * random(), { across: random(), down: random() });
      w = panBy(w, shape, 2 * (random() - 0.5), 2 * (random() - 0.5));
      inside(w, N);
    }
  });

  it("has a picture for a prompt of one or two tokens", () => {
    for (const n of [0, 1, 2, 3])
      inside(zoomAt(whole({ rows: n, cols: n }), { rows: n, cols: n }, 4), Math.max(1, n));
  });
});

it("shows the same tokens in a narrower box", () => {
  const closer = zoomAt(all, shape, 5, { across: 1, down: 1 });
  const narrow = { ...closer, x: 40, y: 40, width: 130, height: 130 };
  // The last cell is at the corner, whatever the box: nothing that is looked at is kept in px.
  expect(hit({ ...view, ...closer }, 579, 569)).toEqual({ row: 49, col: 49 });
  expect(hit(narrow, 169, 169)).toEqual({ row: 49, col: 49 });
});

it("pans with the hand", () => {
  const closer = zoomAt(all, shape, 2);
  const moved = panBy(closer, shape, -20 / 500, 40 / 500); // a cell is 20 px
  expect(moved.c0 - closer.c0).toBeCloseTo(1, 9);
  expect(moved.r0 - closer.r0).toBeCloseTo(-2, 9);
});

it("clamps a window that a new, shorter prompt has outrun", () => {
  const clamped = clamp({ r0: 40, r1: 50, c0: 40, c1: 50 }, { rows: 20, cols: 20 });
  inside(clamped, 20);
  expect(clamped.r1).toBe(20);
});

it("reveals with the least move", () => {
  const closer = clamp({ r0: 10, r1: 20, c0: 0, c1: 10 }, shape);
  expect(reveal(closer, shape, 15)).toEqual(closer);
  expect(reveal(closer, shape, 25).r1).toBe(26);
  expect(reveal(closer, shape, 3).r0).toBe(3);
  expect(reveal(closer, shape, null, 30).c1).toBe(31);
});
