// A window of one head's attention as the kernel sends it: 8-bit cells, and their colours.
import type { Canvas } from "./canvas";
import { mix } from "./color";

export interface Tile {
  rows: number;
  cols: number;
  /** The window in tokens: queries [q0, q1), keys [k0, k1). */
  q0: number;
  q1: number;
  k0: number;
  k1: number;
  /** A cell's value is data * scale / 255. NaN: the head has values that are no numbers. */
  scale: number;
  data: Uint8Array;
  /** The first token's column, one value a row, where the window has it; `data` is without it. */
  first: Float32Array | null;
}

export interface PaintOptions {
  first: "show" | "dim" | "hide";
  /** Packed ABGR of cells whose keys all come after their queries. */
  background: number;
}

/**
 * How much of a dimmed first token's colour is left. Mixed with the page it is greyer than any colour
 * of the ramp, so that it is not taken for a small value.
 */
const DIM = 0.3;

/**
 * Tokens a cell covers, both ways. The kernel pools blocks of this many tokens from the window's
 * start (the last block may be smaller), as few as make the longer edge fit.
 */
export function stride(tile: Pick<Tile, "rows" | "cols" | "q0" | "q1" | "k0" | "k1">): number {
  const tokens = Math.max(tile.q1 - tile.q0, tile.k1 - tile.k0);
  return Math.max(1, Math.ceil(tokens / Math.max(1, tile.rows, tile.cols)));
}

/**
 * Colours a tile, `vmax` being the last colour of `table`. One look-up table for the tile, one pass
 * over its cells: 512 x 512 in well under a millisecond.
 */
export function paint(tile: Tile, table: Uint32Array, vmax: number, opts: PaintOptions): ImageData {
  const { rows, cols, data } = tile;
  const pixels = new Uint32Array(rows * cols);
  const step = stride(tile);
  if (!Number.isFinite(tile.scale)) {
    pixels.fill(opts.background);
    return image(pixels, cols, rows);
  }
  const lut = lookup(table, vmax > 0 ? tile.scale / vmax : 0);
  const dimmed = opts.first === "dim" ? table.map((entry) => mix(table[0] ?? 0, entry, DIM)) : null;
  const first = tile.k0 === 0 && opts.first !== "hide" ? tile.first : null;
  for (let r = 0; r < rows; r++) {
    const start = r * cols;
    const lastQuery = Math.min(tile.q1, tile.q0 + (r + 1) * step) - 1;
    const causal = Math.min(cols, Math.max(0, Math.floor((lastQuery - tile.k0) / step) + 1));
    for (let i = start; i < start + causal; i++) pixels[i] = lut[data[i] as number] as number;
    pixels.fill(opts.background, start + causal, start + cols);
    if (first && causal > 0) {
      // A pooled cell shares its place with keys 1, 2, ...: whichever would show more strongly.
      const sink = vmax > 0 ? (first[r] ?? 0) / vmax : 0;
      const others = vmax > 0 ? ((data[start] ?? 0) * tile.scale) / 255 / vmax : 0;
      if (sink * (dimmed ? DIM : 1) > others)
        pixels[start] = (dimmed ?? table)[index(sink)] as number;
    }
  }
  return image(pixels, cols, rows);
}

/** Puts a painted tile where drawMatrix can scale it; reuses `into` when it has the size. */
export function toCanvas(painted: ImageData, into: Canvas | null = null): Canvas {
  const canvas = into ?? makeCanvas(painted.width, painted.height);
  if (canvas.width !== painted.width) canvas.width = painted.width;
  if (canvas.height !== painted.height) canvas.height = painted.height;
  const ctx = canvas.getContext("2d") as CanvasRenderingContext2D | null;
  ctx?.putImageData(painted, 0, 0);
  return canvas;
}

function makeCanvas(width: number, height: number): Canvas {
  if (typeof OffscreenCanvas === "function") return new OffscreenCanvas(width, height);
  return Object.assign(document.createElement("canvas"), { width, height });
}

/** Row and column of the cell that covers a query and a key; null outside the window. */
export function cellOf(tile: Tile, q: number, k: number): { row: number; col: number } | null {
  if (!(q >= tile.q0 && q < tile.q1 && k >= tile.k0 && k < tile.k1)) return null;
  const step = stride(tile);
  return { row: Math.floor((q - tile.q0) / step), col: Math.floor((k - tile.k0) / step) };
}

/** What the tile knows of an edge, pooled as it is. null: outside, in the future, or not a number. */
export function valueAt(tile: Tile, q: number, k: number): number | null {
  const cell = cellOf(tile, q, k);
  if (!cell || k > q || !Number.isFinite(tile.scale)) return null;
  if (k === 0) return tile.first?.[cell.row] ?? null;
  const byte = tile.data[cell.row * tile.cols + cell.col];
  return byte === undefined ? null : (byte * tile.scale) / 255;
}

/** Where `t` (0 to 1, clipped) is in a table. */
function index(t: number): number {
  return Math.min(255, Math.max(0, Math.round((t || 0) * 255)));
}

/** The table seen through a tile's own scale. */
function lookup(table: Uint32Array, gain: number): Uint32Array {
  return table.map((_, byte) => table[index((byte / 255) * gain)] as number);
}

function image(pixels: Uint32Array<ArrayBuffer>, width: number, height: number): ImageData {
  const data = new Uint8ClampedArray(pixels.buffer);
  if (typeof ImageData === "function" && width > 0 && height > 0)
    return new ImageData(data, width, height);
  return { data, width, height, colorSpace: "srgb" } as ImageData; // where there is no DOM: tests
}
