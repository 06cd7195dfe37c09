// A matrix of any sign: rows down, columns across, one colour a cell, hatched where it is missing.
import { border } from "./canvas";
import type { Theme } from "./theme";

export interface HeatDrawing {
  /** The square of the cells, in px. */
  x: number;
  y: number;
  size: number;
  n: number;
  /** Row after row; NaN: missing. */
  values: ArrayLike<number>;
  table: Uint32Array;
  /** Values at the table's ends. */
  min: number;
  max: number;
  theme: Theme;
  hover: { row: number; col: number } | null;
}

/** The image of the cells, one pixel each; missing cells are clear. */
export function heatImage(o: Omit<HeatDrawing, "x" | "y" | "size" | "hover" | "theme">): ImageData {
  const pixels = new Uint32Array(o.n * o.n);
  const span = o.max - o.min || 1;
  for (let i = 0; i < pixels.length; i++) {
    const value = o.values[i] ?? Number.NaN;
    if (Number.isNaN(value)) continue;
    const t = Math.min(1, Math.max(0, (value - o.min) / span));
    pixels[i] = o.table[Math.round(t * 255)] as number;
  }
  const data = new Uint8ClampedArray(pixels.buffer);
  if (typeof ImageData === "function") return new ImageData(data, o.n, o.n);
  return { data, width: o.n, height: o.n, colorSpace: "srgb" } as ImageData;
}

/** Frame and hovered cell, over the image. */
export function drawHeatFrame(ctx: CanvasRenderingContext2D, o: HeatDrawing): void {
  const { x, y, size, n, theme } = o;
  ctx.fillStyle = theme.line;
  border(ctx, { x0: x, y0: y, x1: x + size, y1: y + size }, 1);
  if (!o.hover) return;
  const cell = size / n;
  ctx.fillStyle = theme.ink;
  const [x0, y0] = [x + o.hover.col * cell, y + o.hover.row * cell];
  border(ctx, { x0, y0, x1: x0 + Math.max(cell, 2), y1: y0 + Math.max(cell, 2) }, 1);
}

/** The cell under a point. */
export function hitHeat(
  { x, y, size, n }: { x: number; y: number; size: number; n: number },
  px: number,
  py: number,
): { row: number; col: number } | null {
  if (!(px >= x && px < x + size && py >= y && py < y + size)) return null;
  return { row: Math.floor(((py - y) / size) * n), col: Math.floor(((px - x) / size) * n) };
}
