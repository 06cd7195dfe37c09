// What the colours mean: the ramp with its ends, what chance would give, where the selection is.
import { border } from "./canvas";
import { cssOf } from "./color";
import type { Theme } from "./theme";

export interface LegendDrawing {
  /** The ramp's bar with the numbers left and right of it. */
  x: number;
  y: number;
  width: number;
  height: number;
  table: Uint32Array;
  theme: Theme;
  vmin: number;
  vmax: number;
  /** What the score would be by chance; null where that is not known. */
  chance: number | null;
  /** The selected head's value. */
  marker: number | null;
}

/** Px that the marks need above the bar, and the word below it. */
export const LEGEND_ROOM = { above: 8, below: 17 };

/** Draws over what is there: clearing is the caller's. */
export function drawLegend(ctx: CanvasRenderingContext2D, o: LegendDrawing): void {
  const { y, height, table, theme, vmin, vmax } = o;
  ctx.save();
  ctx.font = `11px ${theme.sans}`;
  ctx.textBaseline = "middle";
  const [low, high] = [shortNumber(vmin), shortNumber(vmax)];
  const left = Math.round(o.x + ctx.measureText(low).width + 7);
  const right = Math.round(o.x + o.width - ctx.measureText(high).width - 7);
  const width = Math.max(1, right - left);
  const place = (value: number): number =>
    left + width * (vmax > vmin ? Math.min(1, Math.max(0, (value - vmin) / (vmax - vmin))) : 0);

  ctx.fillStyle = theme.muted;
  ctx.textAlign = "left";
  ctx.fillText(low, o.x, y + height / 2 + 0.5);
  ctx.textAlign = "right";
  ctx.fillText(high, o.x + o.width, y + height / 2 + 0.5);

  // A step for each px: a canvas gradient would go between the ends in sRGB, not along the table.
  for (let i = 0; i < width; i++) {
    ctx.fillStyle = cssOf(table[Math.round((i / Math.max(1, width - 1)) * 255)] ?? 0);
    // To the end each time: side by side, two edges within one device px would leave a seam.
    ctx.fillRect(left + i, y, width - i, height);
  }
  ctx.fillStyle = theme.line;
  border(ctx, { x0: left, y0: y, x1: right, y1: y + height }, 1);

  if (o.chance !== null && Number.isFinite(o.chance))
    drawChance(ctx, o, place(o.chance), left, right);
  if (o.marker !== null && Number.isFinite(o.marker)) drawMarker(ctx, o, place(o.marker));
  ctx.restore();
}

function drawChance(
  ctx: CanvasRenderingContext2D,
  o: LegendDrawing,
  at: number,
  left: number,
  right: number,
): void {
  const { y, height, theme } = o;
  const x = Math.round(at);
  const top = Math.round(y) - 2;
  const length = Math.round(height) + 6;
  // Ink can be like the ramp's far end: a page-coloured edge keeps the tick apart from it.
  ctx.fillStyle = theme.page;
  ctx.fillRect(x - 1.5, top, 3, length);
  ctx.fillStyle = theme.chance;
  ctx.fillRect(x - 0.5, top, 1, length);
  ctx.font = `10px ${theme.sans}`;
  ctx.fillStyle = theme.muted;
  ctx.textAlign = "left";
  ctx.textBaseline = "top";
  const half = ctx.measureText("chance").width / 2;
  ctx.fillText("chance", Math.min(right - 2 * half, Math.max(left, x - half)), y + height + 6);
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

/** A number for a narrow place, with a true minus: 0, 1, 0.25, 0.004, −3.1, 1.2e+4. */
export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  let text = String(Number(value.toPrecision(2)));
  if (size !== 0 && (size < 1e-3 || size >= 1e4)) text = value.toExponential(1).replace(".0e", "e");
  else if (size >= 100) text = String(Math.round(value));
  return text.replace(/^-/, "−");
}
