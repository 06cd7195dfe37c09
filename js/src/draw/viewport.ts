// Which part of a matrix is looked at, in its own rows and columns: no px, so that a window stays
// what it is when its box gets narrower. And where it is drawn, and what is under a point of that.

/** Rows [r0, r1) and columns [c0, c1), whole ones and parts of them. */
export interface Window {
  r0: number;
  r1: number;
  c0: number;
  c1: number;
}

/** How many rows and columns there are. */
export interface Shape {
  rows: number;
  cols: number;
}

/** Where a window is drawn, in CSS px. */
export interface Frame {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface View extends Window, Frame {}

/** A row and a column. */
export interface Cell {
  row: number;
  col: number;
}

/** One does not look closer than at so many rows. */
export const CLOSEST = 4;

export function whole({ rows, cols }: Shape): Window {
  return { r0: 0, r1: Math.max(1, rows), c0: 0, c1: Math.max(1, cols) };
}

export function isWhole(window: Window, shape: Shape): boolean {
  const all = whole(shape);
  return window.r1 - window.r0 >= all.r1 && window.c1 - window.c0 >= all.c1;
}

/** Size of a cell, in px. */
export function cellSize(view: View): { width: number; height: number } {
  return {
    width: view.width / Math.max(1e-9, view.c1 - view.c0),
    height: view.height / Math.max(1e-9, view.r1 - view.r0),
  };
}

/** The cell under a point; null outside, and above the diagonal of a causal one, where nothing is. */
export function hit(view: View, px: number, py: number, causal = false): Cell | null {
  const { x, y, width, height } = view;
  if (!(px >= x && px < x + width && py >= y && py < y + height)) return null;
  const cell = cellSize(view);
  const row = Math.floor(view.r0 + (py - y) / cell.height);
  const col = Math.floor(view.c0 + (px - x) / cell.width);
  return causal && col > row ? null : { row, col };
}

/** A span from `start`, kept inside [0, all]. */
function inside(start: number, span: number, all: number): [number, number] {
  const from = Math.min(all - span, Math.max(0, start));
  return [from, from + span];
}

function spanOf(wanted: number, all: number): number {
  return Math.min(all, Math.max(Math.min(CLOSEST, all), wanted));
}

/** The window inside of a matrix, and no smaller than four rows and columns. */
export function clamp(window: Window, shape: Shape): Window {
  const all = whole(shape);
  const [r0, r1] = inside(window.r0, spanOf(window.r1 - window.r0, all.r1), all.r1);
  const [c0, c1] = inside(window.c0, spanOf(window.c1 - window.c0, all.c1), all.c1);
  return { r0, r1, c0, c1 };
}

/** Zooms (factor > 1: in), keeping what is so far `across` and `down` (0 to 1) where it is. */
export function zoomAt(
  window: Window,
  shape: Shape,
  factor: number,
  at: { across: number; down: number } = { across: 0.5, down: 0.5 },
): Window {
  const all = whole(shape);
  const [high, wide] = [window.r1 - window.r0, window.c1 - window.c0];
  // One factor for both ways: a square stays one.
  const rows = spanOf(high / factor, all.r1);
  const cols = all.r1 === all.c1 ? rows : spanOf(wide / factor, all.c1);
  const r0 = window.r0 + at.down * (high - rows);
  const c0 = window.c0 + at.across * (wide - cols);
  return clamp({ r0, r1: r0 + rows, c0, c1: c0 + cols }, shape);
}

/** Moves by parts of the frame (a drag's px over its size): the matrix follows the hand. */
export function panBy(window: Window, shape: Shape, across: number, down: number): Window {
  const [r, c] = [down * (window.r1 - window.r0), across * (window.c1 - window.c0)];
  const { r0, r1, c0, c1 } = window;
  return clamp({ r0: r0 - r, r1: r1 - r, c0: c0 - c, c1: c1 - c }, shape);
}

/** The least move that brings a row (and a column) into the window. */
export function reveal(
  window: Window,
  shape: Shape,
  row: number | null,
  col: number | null = null,
): Window {
  const start = (from: number, to: number, i: number | null): number =>
    i === null ? from : Math.min(Math.max(from, i + 1 - (to - from)), i);
  const r0 = start(window.r0, window.r1, row);
  const c0 = start(window.c0, window.c1, col);
  return clamp({ r0, r1: r0 + window.r1 - window.r0, c0, c1: c0 + window.c1 - window.c0 }, shape);
}
