// Which part of a matrix is looked at, and what is under a point of it. Pure functions.

/** Queries [q0, q1) and keys [k0, k1), in tokens and parts of them, drawn into a square of CSS px. */
export interface MatrixView {
  x: number;
  y: number;
  size: number;
  q0: number;
  q1: number;
  k0: number;
  k1: number;
}

const MIN_WINDOW = 4;

/** Size of a token's cell, in px. */
export function cellSize(view: MatrixView): number {
  return view.size / Math.max(1e-9, view.q1 - view.q0);
}

/** All of an n x n matrix. */
export function whole(n: number, x: number, y: number, size: number): MatrixView {
  return { x, y, size, q0: 0, q1: Math.max(1, n), k0: 0, k1: Math.max(1, n) };
}

/** The query and key under a point; null outside, and above the diagonal, where nothing can be. */
export function hit(view: MatrixView, px: number, py: number): { q: number; k: number } | null {
  const { x, y, size } = view;
  if (!(px >= x && px < x + size && py >= y && py < y + size)) return null;
  const cell = cellSize(view);
  const q = Math.floor(view.q0 + (py - y) / cell);
  const k = Math.floor(view.k0 + (px - x) / cell);
  return k > q ? null : { q, k };
}

/** The window kept square, inside [0, n], and no smaller than four tokens. */
export function clampView(view: MatrixView, n: number): MatrixView {
  const all = Math.max(1, n);
  const span = Math.min(all, Math.max(MIN_WINDOW, view.q1 - view.q0));
  const inside = (start: number): number => Math.min(all - span, Math.max(0, start));
  const q0 = inside(view.q0);
  const k0 = inside(view.k0);
  return { ...view, q0, q1: q0 + span, k0, k1: k0 + span };
}

/** Zooms (factor > 1: in), keeping what is under the point where it is. */
export function zoomAt(
  view: MatrixView,
  n: number,
  factor: number,
  px: number,
  py: number,
): MatrixView {
  const before = view.q1 - view.q0;
  const span = Math.min(Math.max(1, n), Math.max(MIN_WINDOW, before / factor));
  const across = (px - view.x) / view.size;
  const down = (py - view.y) / view.size;
  const q0 = view.q0 + down * (before - span);
  const k0 = view.k0 + across * (before - span);
  return clampView({ ...view, q0, q1: q0 + span, k0, k1: k0 + span }, n);
}

/** Moves by a drag of px: the matrix follows the hand. */
export function panBy(view: MatrixView, n: number, dx: number, dy: number): MatrixView {
  const cell = cellSize(view);
  const { q0, q1, k0, k1 } = view;
  const [q, k] = [dy / cell, dx / cell];
  return clampView({ ...view, q0: q0 - q, q1: q1 - q, k0: k0 - k, k1: k1 - k }, n);
}

/** The least move that brings a query (and a key) into the window. */
export function reveal(
  view: MatrixView,
  n: number,
  q: number | null,
  k: number | null = null,
): MatrixView {
  const span = view.q1 - view.q0;
  const start = (from: number, i: number | null): number =>
    i === null ? from : Math.min(Math.max(from, i + 1 - span), i);
  const q0 = start(view.q0, q);
  const k0 = start(view.k0, k);
  return clampView({ ...view, q0, q1: q0 + span, k0, k1: k0 + span }, n);
}
