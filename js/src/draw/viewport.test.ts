import { describe, expect, it } from "vitest";
import { clampView, hit, type MatrixView, panBy, reveal, whole, zoomAt } from "./viewport";

const N = 50;
const view = whole(N, 80, 70, 500);

function inside(v: MatrixView, n: number): void {
  expect(v.q0).toBeGreaterThanOrEqual(0);
  expect(v.k0).toBeGreaterThanOrEqual(0);
  expect(v.q1).toBeLessThanOrEqual(n + 1e-9);
  expect(v.k1).toBeLessThanOrEqual(n + 1e-9);
  expect(v.q1 - v.q0).toBeCloseTo(v.k1 - v.k0, 9);
  expect(v.q1 - v.q0).toBeGreaterThanOrEqual(Math.min(4, n) - 1e-9);
}

describe("hit", () => {
  it("finds the cell, and nothing outside or in the future", () => {
    expect(hit(view, 80, 70)).toEqual({ q: 0, k: 0 });
    expect(hit(view, 80 + 25, 70 + 399)).toEqual({ q: 39, k: 2 });
    expect(hit(view, 80 + 499.9, 70 + 499.9)).toEqual({ q: 49, k: 49 });
    expect(hit(view, 80 + 30, 70 + 10)).toBeNull();
    expect(hit(view, 79, 300)).toBeNull();
    expect(hit(view, 580, 570)).toBeNull();
    expect(hit(view, Number.NaN, 100)).toBeNull();
  });
});

describe("zoomAt", () => {
  it("keeps what is under the pointer there", () => {
    const [px, py] = [80 + 100, 70 + 400];
    const closer = zoomAt(view, N, 2, px, py);
    expect(closer.q1 - closer.q0).toBeCloseTo(25, 9);
    expect(hit(closer, px + 0.01, py + 0.01)).toEqual(hit(view, px + 0.01, py + 0.01));
  });

  it("comes back, and stops at both ends", () => {
    expect(zoomAt(zoomAt(view, N, 3, 200, 400), N, 1 / 3, 200, 400)).toEqual(view);
    const closest = zoomAt(view, N, 1e6, 200, 400);
    expect(closest.q1 - closest.q0).toBeCloseTo(4, 9);
    expect(zoomAt(view, N, 0.01, 200, 400)).toEqual(view);
  });

  it("stays square and inside, wherever one goes", () => {
    let v = view;
    let seed = 1;
    const random = (): number => {
      seed = (seed * 16807) % 2147483647;
      return seed / 2147483647;
    };
    for (let i = 0; i < 300; i++) {
      v = zoomAt(v, N, 0.4 + 2 * random(), 80 + 500 * random(), 70 + 500 * random());
      v = panBy(v, N, 900 * (random() - 0.5), 900 * (random() - 0.5));
      inside(v, N);
    }
  });

  it("has a picture for a prompt of one or two tokens", () => {
    for (const n of [0, 1, 2, 3]) inside(zoomAt(whole(n, 0, 0, 100), n, 4, 50, 50), Math.max(1, n));
  });
});

it("pans with the hand", () => {
  const closer = zoomAt(view, N, 2, 330, 320);
  const moved = panBy(closer, N, -20, 40); // a cell is 20 px
  expect(moved.k0 - closer.k0).toBeCloseTo(1, 9);
  expect(moved.q0 - closer.q0).toBeCloseTo(-2, 9);
});

it("clamps a window that a new, shorter prompt has outrun", () => {
  const clamped = clampView({ ...view, q0: 40, q1: 50, k0: 40, k1: 50 }, 20);
  inside(clamped, 20);
  expect(clamped.q1).toBe(20);
});

it("reveals with the least move", () => {
  const closer = clampView({ ...view, q0: 10, q1: 20, k0: 0, k1: 10 }, N);
  expect(reveal(closer, N, 15)).toEqual(closer);
  expect(reveal(closer, N, 25).q1).toBe(26);
  expect(reveal(closer, N, 3).q0).toBe(3);
  expect(reveal(closer, N, null, 30).k1).toBe(31);
});
