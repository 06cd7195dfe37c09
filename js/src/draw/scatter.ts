// One mark a thing on two axes, each axis with what chance would give.
import { border, snapper } from "./canvas";
import { shortNumber } from "./number";
import type { Theme } from "./theme";

export interface ScatterAxis {
  label: string;
  min: number;
  max: number;
  /** A line across: what chance would give. */
  chance: number | null;
}

export interface ScatterDrawing {
  width: number;
  height: number;
  x: ScatterAxis;
  y: ScatterAxis;
  /** NaN in either: not drawn. */
  xs: ArrayLike<number>;
  ys: ArrayLike<number>;
  /** Colours of the marks: one for all. */
  colour: string;
  /** 1: cannot be told from chance, and drawn fainter. */
  faint?: Uint8Array | null | undefined;
  theme: Theme;
}

export interface ScatterOver {
  selected: number | null;
  hover: number | null;
}

const ROOM = { left: 40, right: 10, top: 8, bottom: 34 };
const REACH = 9;

interface Frame {
  x0: number;
  y0: number;
  width: number;
  height: number;
}

function frame({ width, height }: { width: number; height: number }): Frame {
  return {
    x0: ROOM.left,
    y0: ROOM.top,
    width: Math.max(1, width - ROOM.left - ROOM.right),
    height: Math.max(1, height - ROOM.top - ROOM.bottom),
  };
}

function along(axis: ScatterAxis, value: number): number {
  return axis.max > axis.min ? (value - axis.min) / (axis.max - axis.min) : 0;
}

/** Where a thing is, in px; null if a value is missing. */
export function placed(o: ScatterDrawing, i: number): { x: number; y: number } | null {
  const [vx, vy] = [o.xs[i] ?? Number.NaN, o.ys[i] ?? Number.NaN];
  if (!Number.isFinite(vx) || !Number.isFinite(vy)) return null;
  const f = frame(o);
  return {
    x: f.x0 + along(o.x, vx) * f.width,
    y: f.y0 + (1 - along(o.y, vy)) * f.height,
  };
}

/** The nearest thing within reach of a point. */
export function hitScatter(o: ScatterDrawing, x: number, y: number): number | null {
  let [best, least] = [null as number | null, REACH * REACH];
  for (let i = 0; i < o.xs.length; i++) {
    const at = placed(o, i);
    if (!at) continue;
    const far = (at.x - x) ** 2 + (at.y - y) ** 2;
    if (far <= least) [best, least] = [i, far];
  }
  return best;
}

/** Draws over what is there: clearing is the caller's. */
export function drawScatter(ctx: CanvasRenderingContext2D, o: ScatterDrawing): void {
  ctx.save();
  const f = frame(o);
  ctx.fillStyle = o.theme.line;
  border(ctx, { x0: f.x0, y0: f.y0, x1: f.x0 + f.width, y1: f.y0 + f.height }, 1);
  drawAxes(ctx, o, f);
  ctx.fillStyle = o.colour;
  for (let i = 0; i < o.xs.length; i++) {
    ctx.globalAlpha = o.faint?.[i] ? 0.25 : 0.75;
    dot(ctx, placed(o, i), 3);
  }
  ctx.restore();
}

/** What follows pointer and keys. */
export function drawScatterOver(
  ctx: CanvasRenderingContext2D,
  o: ScatterDrawing,
  { selected, hover }: ScatterOver,
): void {
  ctx.save();
  ctx.fillStyle = o.theme.accent;
  if (selected !== null) dot(ctx, placed(o, selected), 4.5);
  const at = hover === null ? null : placed(o, hover);
  if (at) {
    ctx.strokeStyle = o.theme.ink;
    ctx.beginPath();
    ctx.arc(at.x, at.y, 5.5, 0, 2 * Math.PI);
    ctx.stroke();
  }
  ctx.restore();
}

function dot(
  ctx: CanvasRenderingContext2D,
  at: { x: number; y: number } | null,
  radius: number,
): void {
  if (!at) return;
  ctx.beginPath();
  ctx.arc(at.x, at.y, radius, 0, 2 * Math.PI);
  ctx.fill();
}

function drawAxes(ctx: CanvasRenderingContext2D, o: ScatterDrawing, f: Frame): void {
  const snap = snapper(ctx);
  const { theme } = o;
  ctx.font = `11px ${theme.sans}`;
  ctx.fillStyle = theme.muted;
  ctx.textBaseline = "top";
  for (const [value, align] of [
    [o.x.min, "left"],
    [o.x.max, "right"],
  ] as const) {
    ctx.textAlign = align;
    ctx.fillText(shortNumber(value), f.x0 + along(o.x, value) * f.width, f.y0 + f.height + 4);
  }
  ctx.textAlign = "center";
  ctx.fillText(o.x.label, f.x0 + f.width / 2, f.y0 + f.height + 16);
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  for (const value of [o.y.min, o.y.max])
    ctx.fillText(shortNumber(value), f.x0 - 5, f.y0 + (1 - along(o.y, value)) * f.height);
  ctx.save();
  ctx.translate(10, f.y0 + f.height / 2);
  ctx.rotate(-Math.PI / 2);
  ctx.textAlign = "center";
  ctx.fillText(o.y.label, 0, 0);
  ctx.restore();
  ctx.fillStyle = theme.muted;
  ctx.globalAlpha = 0.6;
  if (o.x.chance !== null)
    ctx.fillRect(snap(f.x0 + along(o.x, o.x.chance) * f.width), f.y0, 1, f.height);
  if (o.y.chance !== null)
    ctx.fillRect(f.x0, snap(f.y0 + (1 - along(o.y, o.y.chance)) * f.height), f.width, 1);
  ctx.globalAlpha = 1;
}
