// A window of a matrix that the page has pair by pair, pooled as the kernel would pool it.
import { stride, type Tile } from "../../draw/tile";
import type { Pooling, Window } from "../../wire/tiles";

/** `whole` has a cell a pair, from the first token on. */
export function crop(whole: Tile, window: Window, side: number, pooling: Pooling): Tile {
  const [q0, q1, k0, k1] = window;
  const step = Math.max(1, Math.ceil(Math.max(q1 - q0, k1 - k0) / side));
  const [rows, cols] = [Math.ceil((q1 - q0) / step), Math.ceil((k1 - k0) / step)];
  const body = new Float32Array(rows * cols);
  const pairs = new Uint32Array(rows * cols);
  const first = k0 === 0 ? new Float32Array(rows) : null;
  for (let q = q0; q < q1; q++) {
    const row = Math.floor((q - q0) / step);
    const inRow = Math.min(step, q1 - q0 - row * step);
    if (first) {
      const value = whole.first?.[q] ?? 0;
      const now = first[row] as number;
      first[row] = pooling === "max" ? Math.max(now, value) : now + value / inRow;
    }
    for (let k = Math.max(1, k0); k < Math.min(k1, q + 1); k++) {
      const at = row * cols + Math.floor((k - k0) / step);
      const value = whole.data[q * whole.cols + k] as number;
      const now = body[at] as number;
      body[at] = pooling === "max" ? Math.max(now, value) : now + value;
      pairs[at] = (pairs[at] as number) + 1;
    }
  }
  if (pooling === "mean")
    for (let i = 0; i < body.length; i++)
      body[i] = (body[i] as number) / Math.max(1, pairs[i] ?? 1);
  // Bytes again; the strongest that is left has the last.
  let most = 0;
  for (const value of body) if (value > most) most = value;
  const data = Uint8Array.from(body, (value) => (most > 0 ? Math.round((value * 255) / most) : 0));
  return { rows, cols, q0, q1, k0, k1, scale: (most * whole.scale) / 255, data, first };
}

/** Exactly the values that a tile with a cell a pair has, row by row; nothing after the query. */
export function values(tile: Tile, [q0, q1, k0, k1]: Window): Float32Array<ArrayBuffer> {
  const width = k1 - k0;
  const found = new Float32Array((q1 - q0) * width);
  for (let q = q0; q < q1; q++)
    for (let k = k0; k < Math.min(k1, q + 1); k++)
      found[(q - q0) * width + k - k0] =
        k === 0
          ? (tile.first?.[q] ?? 0)
          : ((tile.data[q * tile.cols + k] as number) * tile.scale) / 255;
  return found;
}

export function hasPairs(tile: Tile): boolean {
  return stride(tile) === 1;
}
