// Curves over one axis, each with its interval as a band; the axis may be logarithmic.
import { shortNumber } from "./number";
import type { Theme } from "./theme";

export interface Curve {
  label: string;
  /** NaN: not measured. */
  values: ArrayLike<number>;
  low: ArrayLike<number> | null;
  high: ArrayLike<number> | null;
  colour: string;
  dash: readonly number[];
  /** One of many, behind the others. */
  thin?: boolean;
}

/** A stretch of the axis with a name, behind the curves. */
export interface Stretch {
  from: number;
  to: number;
  label: string;
  /** "hatch": there is nothing to see here. */
  look: "tint" | "hatch";
  /** Where its ends may be as well: [from, to] of each. */
  ends?: readonly (readonly [number, number])[];
}

export interface CurvesDrawing {
  width: number;
  height: number;
  xs: ArrayLike<number>;
  log: boolean;
  xLabel: string;
  yLabel: string;
  curves: readonly Curve[];
  /** Values with a line across: what would be perfect, or nothing. */
  lines: readonly number[];
  stretches?: readonly Stretch[];
  /** Beyond, a band is cut: one wild interval is not to flatten the curves. */
  cut?: readonly [least: number, most: number];
  theme: Theme;
}

const ROOM = { left: 46, right: 12, top: 8, bottom: 32 };
/** Without a name below the axis. */
const UNNAMED = 18;
/** The names of stretches stand above the curves. */
const NAMES = 14;
/** A name may be as long as its stretch, or as this. */
const LEAST_NAME = 48;
/** Of shares. */
const CUT = [-0.5, 1.5] as const;
/** On a logarithmic axis 0 stands as far before the first number as this one before 1. */
const ZERO = 1 / 1.6;

export interface CurvesFrame {
  x: (value: number) => number;
  y: (value: number) => number;
  x0: number;
  x1: number;
  y0: number;
  y1: number;
  least: number;
  most: number;
}

export function frameOf(o: CurvesDrawing): CurvesFrame {
  const { width, height, xs, log, curves, lines } = o;
  const [x0, x1] = [ROOM.left, Math.max(ROOM.left + 1, width - ROOM.right)];
  const bottom = o.xLabel === "" ? UNNAMED : ROOM.bottom;
  const top = ROOM.top + (o.stretches?.some(({ label }) => label !== "") ? NAMES : 0);
  const [y0, y1] = [top, Math.max(top + 1, height - bottom)];
  const zero = ZERO * firstAbove(xs);
  const along = (value: number) => (log ? Math.log10(Math.max(value, zero)) : value);
  const all = Array.from(xs, along);
  const [first, last] = [Math.min(...all), Math.max(...all)];
  const values = curves.flatMap(({ values, low, high }) =>
    [values, low ?? [], high ?? []].flatMap((each) => Array.from(each)).filter(Number.isFinite),
  );
  const cut = o.cut ?? CUT;
  const least = Math.max(cut[0], Math.min(...lines, ...values));
  const most = Math.min(cut[1], Math.max(...lines, ...values));
  const within = (value: number) => Math.min(most, Math.max(least, value));
  return {
    ...{ x0, x1, y0, y1, least, most },
    x: (value) => (last > first ? x0 + ((along(value) - first) / (last - first)) * (x1 - x0) : x0),
    y: (value) => y1 - ((within(value) - least) / (most - least || 1)) * (y1 - y0),
  };
}

function firstAbove(xs: ArrayLike<number>): number {
  const above = Array.from(xs).filter((value) => value > 0);
  return above.length > 0 ? Math.min(...above) : 1;
}

/** Which of the points is nearest across. */
export function hitCurves(o: CurvesDrawing, px: number): number | null {
  const { x } = frameOf(o);
  let [best, nearest] = [null as number | null, Number.POSITIVE_INFINITY];
  for (let i = 0; i < o.xs.length; i++) {
    const far = Math.abs(x(o.xs[i] as number) - px);
    if (far < nearest) [best, nearest] = [i, far];
  }
  return best;
}

/** Draws over what is there: clearing is the caller's. */
export function drawCurves(ctx: CanvasRenderingContext2D, o: CurvesDrawing): void {
  const f = frameOf(o);
  ctx.save();
  for (const stretch of o.stretches ?? []) drawStretch(ctx, o, f, stretch);
  drawAxes(ctx, o, f);
  for (const curve of o.curves) band(ctx, o, f, curve);
  for (const curve of o.curves) line(ctx, o, f, curve);
  ctx.restore();
}

/** The point that is chosen, one to compare it with, and the one pointed at. */
export function drawCurvesOver(
  ctx: CanvasRenderingContext2D,
  o: CurvesDrawing,
  { at, other = null, hover }: { at: number; other?: number | null; hover: number | null },
): void {
  const f = frameOf(o);
  ctx.save();
  for (const [i, colour, dash] of [
    [hover, o.theme.muted, []],
    [other, o.theme.accent, [3, 3]],
    [at, o.theme.accent, []],
  ] as const) {
    const value = i === null ? undefined : o.xs[i];
    if (value === undefined) continue;
    const x = Math.round(f.x(value)) + 0.5;
    ctx.fillStyle = colour;
    ctx.strokeStyle = colour;
    ctx.lineWidth = 1;
    ctx.setLineDash([...dash]);
    ctx.beginPath();
    ctx.moveTo(x, f.y0);
    ctx.lineTo(x, f.y1);
    ctx.stroke();
    for (const { values, thin } of o.curves)
      if (!thin) dot(ctx, f.x(value), values[i as number], f, 3.5);
  }
  ctx.restore();
}

/** A stretch with its name at the top, and whiskers to where its ends may be. */
function drawStretch(
  ctx: CanvasRenderingContext2D,
  { theme }: CurvesDrawing,
  f: CurvesFrame,
  { from, to, label, look, ends = [] }: Stretch,
): void {
  const x0 = f.x(from) - 2;
  const [width, height] = [Math.max(4, f.x(to) + 2 - x0), f.y1 - f.y0];
  ctx.save();
  ctx.beginPath();
  ctx.rect(x0, f.y0, width, height);
  ctx.fillStyle = theme.ink;
  ctx.strokeStyle = theme.line;
  ctx.globalAlpha = look === "tint" ? 0.08 : theme.dark ? 0.5 : 1;
  if (look === "tint") ctx.fill();
  else {
    ctx.clip();
    ctx.beginPath();
    for (let d = 0; d < width + height; d += 7) {
      ctx.moveTo(x0 + d, f.y0);
      ctx.lineTo(x0 + d - height, f.y1);
    }
    ctx.lineWidth = 0.75;
    ctx.stroke();
  }
  ctx.restore();
  ctx.save();
  ctx.fillStyle = theme.muted;
  for (const [low, high] of ends) {
    const [left, right] = [f.x(low), f.x(high)];
    ctx.fillRect(left, f.y0 - 3, Math.max(1, right - left), 1);
    for (const x of [left, right]) ctx.fillRect(Math.round(x), f.y0 - 5, 1, 5);
  }
  ctx.font = `10px ${theme.sans}`;
  ctx.textBaseline = "alphabetic";
  if (label !== "" && ctx.measureText(label).width <= Math.max(width, LEAST_NAME))
    ctx.fillText(label, x0 + 2, f.y0 - 7);
  ctx.restore();
}

function band(
  ctx: CanvasRenderingContext2D,
  { xs }: CurvesDrawing,
  { x, y }: CurvesFrame,
  { low, high, colour }: Curve,
): void {
  if (!low || !high) return;
  ctx.fillStyle = colour;
  ctx.globalAlpha = 0.16;
  const known = Array.from({ length: xs.length }, (_, i) => i).filter(
    (i) => Number.isFinite(low[i]) && Number.isFinite(high[i]),
  );
  ctx.beginPath();
  for (const i of known) ctx.lineTo(x(xs[i] as number), y(high[i] as number));
  for (const i of known.reverse()) ctx.lineTo(x(xs[i] as number), y(low[i] as number));
  ctx.fill();
  ctx.globalAlpha = 1;
}

function line(
  ctx: CanvasRenderingContext2D,
  { xs }: CurvesDrawing,
  f: CurvesFrame,
  { values, colour, dash, thin = false }: Curve,
): void {
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  ctx.lineWidth = thin ? 1 : 1.5;
  ctx.globalAlpha = thin ? 0.45 : 1;
  ctx.setLineDash([...dash]);
  ctx.beginPath();
  for (let i = 0; i < xs.length; i++) {
    const value = values[i] ?? Number.NaN;
    if (Number.isFinite(value)) ctx.lineTo(f.x(xs[i] as number), f.y(value));
  }
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.globalAlpha = 1;
  if (!thin) for (let i = 0; i < xs.length; i++) dot(ctx, f.x(xs[i] as number), values[i], f, 2);
}

function dot(
  ctx: CanvasRenderingContext2D,
  x: number,
  value: number | undefined,
  { y }: CurvesFrame,
  radius: number,
): void {
  if (value === undefined || !Number.isFinite(value)) return;
  ctx.beginPath();
  ctx.arc(x, y(value), radius, 0, 2 * Math.PI);
  ctx.fill();
}

function drawAxes(ctx: CanvasRenderingContext2D, o: CurvesDrawing, f: CurvesFrame): void {
  const { theme, lines, xs, xLabel, yLabel } = o;
  ctx.font = `11px ${theme.sans}`;
  ctx.fillStyle = theme.line;
  ctx.fillRect(f.x0, f.y1, f.x1 - f.x0, 1);
  for (const value of lines) ctx.fillRect(f.x0, Math.round(f.y(value)), f.x1 - f.x0, 1);
  ctx.fillStyle = theme.muted;
  ctx.textBaseline = "middle";
  ctx.textAlign = "right";
  let above = Number.POSITIVE_INFINITY;
  for (const value of [...new Set([f.least, ...lines, f.most])].sort((a, b) => a - b)) {
    // Names of values that lie close would lie on each other.
    if (above - f.y(value) < 11) continue;
    above = f.y(value);
    ctx.fillText(onAxis(value, f.most - f.least), f.x0 - 5, above);
  }
  ctx.textBaseline = "top";
  let end = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < xs.length; i++) {
    const text = grouped(xs[i] as number);
    const half = ctx.measureText(text).width / 2;
    const middle = Math.min(f.x1 + ROOM.right - half, f.x(xs[i] as number));
    if (middle - half < end + 6) continue;
    ctx.textAlign = "center";
    ctx.fillText(text, middle, f.y1 + 4);
    end = middle + half;
  }
  ctx.textAlign = "center";
  if (xLabel !== "") ctx.fillText(xLabel, (f.x0 + f.x1) / 2, f.y1 + 16);
  ctx.save();
  ctx.translate(2, (f.y0 + f.y1) / 2);
  ctx.rotate(-Math.PI / 2);
  ctx.fillText(yLabel, 0, 0);
  ctx.restore();
}

/** A number as exact as can be seen on an axis of a length: one more digit only takes room. */
function onAxis(value: number, length: number): string {
  const digits = 2 - Math.floor(Math.log10(length || 1));
  return shortNumber(Number(value.toFixed(Math.min(20, Math.max(0, digits)))));
}

/** 1,234 */
export function grouped(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString("en") : shortNumber(value);
}
