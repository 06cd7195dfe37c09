// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { lightTheme } from "../test/fake-theme";
import { pack, sequential } from "./color";
import { cellOf, paint, stride, type Tile, valueAt } from "./tile";

const table = sequential(lightTheme);
const BACKGROUND = pack("#abcdef");
const PAGE = table[0] as number;

/** 4 tokens, unpooled, the first token's column kept apart. */
const small: Tile = {
  rows: 4,
  cols: 4,
  q0: 0,
  q1: 4,
  k0: 0,
  k1: 4,
  scale: 0.5,
  // biome-ignore format: a matrix
  data: Uint8Array.from([0, 0, 0, 0,  0, 255, 0, 0,  0, 51, 255, 0,  0, 0, 102, 255]),
  first: Float32Array.from([1, 0.5, 0.25, 0]),
};

/** 5 tokens in blocks of two: the last block of each side covers one. */
const pooled: Tile = {
  rows: 3,
  cols: 3,
  q0: 0,
  q1: 5,
  k0: 0,
  k1: 5,
  scale: 1,
  // biome-ignore format: a matrix
  data: Uint8Array.from([255, 0, 0,  51, 255, 0,  51, 51, 255]),
  first: Float32Array.from([1, 0.1, 0.8]),
};

function cells(tile: Tile, vmax: number, first: "show" | "dim" | "hide"): Uint32Array {
  const painted = paint(tile, table, vmax, { first, background: BACKGROUND });
  expect([painted.width, painted.height]).toEqual([tile.cols, tile.rows]);
  return new Uint32Array(painted.data.buffer);
}

describe("paint", () => {
  it("maps data * scale / 255 to the table, vmax at its end", () => {
    const out = cells(small, 0.5, "hide");
    expect(out[5]).toBe(table[255]);
    expect(out[9]).toBe(table[51]);
    expect(cells(small, 1, "hide")[5]).toBe(table[128]);
    expect(cells(small, 0.25, "hide")[14]).toBe(table[204]); // 0.2 of 0.25
    expect(cells(small, 0.1, "hide")[9]).toBe(table[255]); // clipped
  });

  it("leaves the future as background", () => {
    const out = cells(small, 1, "show");
    for (const [q, k] of [
      [0, 1],
      [0, 3],
      [1, 2],
      [2, 3],
    ] as const)
      expect(out[q * 4 + k]).toBe(BACKGROUND);
    for (const [q, k] of [
      [0, 0],
      [1, 1],
      [3, 3],
    ] as const)
      expect(out[q * 4 + k]).not.toBe(BACKGROUND);
  });

  it("keeps a pooled cell that has any edge in the past", () => {
    const out = cells(pooled, 1, "hide");
    expect(Array.from(out, (c) => c === BACKGROUND)).toEqual([
      false,
      true,
      true,
      false,
      false,
      true,
      false,
      false,
      false,
    ]);
  });

  it("shows, dims or hides the first token", () => {
    expect(cells(small, 1, "show")[4]).toBe(table[128]);
    expect(cells(small, 1, "hide")[4]).toBe(PAGE);
    const dim = cells(small, 1, "dim")[4] as number;
    expect([PAGE, table[128]]).not.toContain(dim);
    expect(dim & 255).toBeGreaterThan((table[128] as number) & 255);
    expect(dim & 255).toBeLessThan(PAGE & 255);
  });

  it("does not let a dimmed first token cover a stronger key in the same cell", () => {
    const shown = cells(pooled, 1, "show");
    const dimmed = cells(pooled, 1, "dim");
    expect(shown[3]).toBe(table[51]); // 0.2 of key 1 against 0.1 of key 0
    expect(shown[6]).toBe(table[204]); // 0.8 of key 0 against 0.2
    expect(dimmed[0]).toBe(table[255]); // key 1's own 1.0
    expect(dimmed[6]).not.toBe(table[51]);
  });

  it("has no first column to add in a window that starts later", () => {
    const later = { ...small, q0: 4, q1: 8, k0: 2, k1: 6, first: null };
    expect(cells(later, 0.5, "show")[0]).toBe(PAGE);
  });

  it("paints a head of NaN as nothing, and survives vmax 0", () => {
    expect(cells({ ...small, scale: Number.NaN }, 1, "show").every((c) => c === BACKGROUND)).toBe(
      true,
    );
    expect(cells(small, 0, "show")[5]).toBe(PAGE);
  });

  it("paints windows off the diagonal", () => {
    const past = { ...small, q0: 10, q1: 14, first: null, k0: 2, k1: 6 };
    expect(cells(past, 1, "hide").some((c) => c === BACKGROUND)).toBe(false);
    const future = { ...small, q0: 0, q1: 4, k0: 10, k1: 14, first: null };
    expect(cells(future, 1, "hide").every((c) => c === BACKGROUND)).toBe(true);
  });
});

describe("cells and values", () => {
  it("has the kernel's stride, also where one edge is shorter", () => {
    expect(stride(small)).toBe(1);
    expect(stride(pooled)).toBe(2);
    // span 100 into at most 64 cells: blocks of 2, 50 of them.
    expect(stride({ rows: 50, cols: 5, q0: 0, q1: 100, k0: 0, k1: 10 })).toBe(2);
  });

  it("finds the block of a pair", () => {
    expect(cellOf(pooled, 4, 3)).toEqual({ row: 2, col: 1 });
    expect(cellOf(pooled, 5, 0)).toBeNull();
    expect(cellOf({ ...small, q0: 2, q1: 6, k0: 1, k1: 5 }, 1, 1)).toBeNull();
  });

  it("reads back what was quantised", () => {
    expect(valueAt(small, 2, 1)).toBeCloseTo(0.1, 6);
    expect(valueAt(small, 1, 0)).toBe(0.5);
    expect(valueAt(pooled, 4, 0)).toBeCloseTo(0.8, 6);
    expect(valueAt(pooled, 4, 1)).toBeCloseTo(0.2, 6);
  });

  it("knows what it does not know", () => {
    expect(valueAt(small, 1, 2)).toBeNull(); // the future
    expect(valueAt({ ...small, first: null }, 1, 0)).toBeNull();
    expect(valueAt({ ...small, scale: Number.NaN }, 2, 1)).toBeNull();
  });
});
