// What the colours mean: the ramp, with a tick where 0 and chance are and a mark at a value.
import { border } from "./canvas";
import { cssOf } from "./color";
import { type Scale, share } from "./scale";
import type { Theme } from "./theme";

export interface LegendDrawing {
  /** The ramp's bar, in px. */
  x: number;
  y: number;
  width: number;
  height: number;
  table: Uint32Array;
  theme: Theme;
  scale: Scale;
  /** The value of what is selected. */
  marker: number | null;
}

/** Px that the marker needs above the bar, and the ticks above and below it. */
export const LEGEND_ROOM = { above: 8, below: 3 };

/** Draws over what is there: clearing is the caller's. */
export function drawLegend(ctx: CanvasRenderingContext2D, o: LegendDrawing): void {
  const { x, y, width, height, table, theme, scale } = o;
  ctx.save();
  // A step for each px: a canvas gradient would go between the ends in sRGB, not along the table.
  for (let i = 0; i < width; i++) {
    ctx.fillStyle = cssOf(table[Math.round((i / Math.max(1, width - 1)) * 255)] ?? 0);
    // To the end each time: side by side, two edges within one device px would leave a seam.
    ctx.fillRect(x + i, y, width - i, height);
  }
  ctx.fillStyle = theme.line;
  border(ctx, { x0: x, y0: y, x1: x + width, y1: y + height }, 1);
  const place = (value: number): number => x + width * share(value, scale);
  if (scale.signed) drawTick(ctx, o, place(0), theme.muted, 0);
  if (isKnown(scale.chance)) drawTick(ctx, o, place(scale.chance), theme.chance, 2);
  if (isKnown(o.marker)) drawMarker(ctx, o, place(o.marker));
  ctx.restore();
}

const isKnown = (value: number | null | undefined): value is number =>
  value !== null && value !== undefined && Number.isFinite(value);

function drawTick(
  ctx: CanvasRenderingContext2D,
  { y, height, theme }: LegendDrawing,
  at: number,
  colour: string,
  out: number,
): void {
  const x = Math.round(at);
  const [top, length] = [Math.round(y) - out, Math.round(height) + 2 * out];
  // Ink can be like the ramp's far end: a page-coloured edge keeps the tick apart from it.
  ctx.fillStyle = theme.page;
  ctx.fillRect(x - 1.5, top, 3, length);
  ctx.fillStyle = colour;
  ctx.fillRect(x - 0.5, top, 1, length);
}

function drawMarker(ctx: CanvasRenderingContext2D, { y, theme }: LegendDrawing, x: number): void {
  ctx.fillStyle = theme.accent;
  ctx.beginPath();
  ctx.moveTo(x, y - 1.5);
  ctx.lineTo(x - 4, y - 7.5);
  ctx.lineTo(x + 4, y - 7.5);
  ctx.closePath();
  ctx.fill();
}
