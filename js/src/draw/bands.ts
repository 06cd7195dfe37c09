// Numbers under the words that they belong to: a band below each line of text, on one scale.
import { css, diverging } from "./color";
import { shortNumber } from "./number";
import type { Theme } from "./theme";

export interface Band {
  /** The band's box, in px. */
  x0: number;
  x1: number;
  y0: number;
  y1: number;
}

export interface BandsDrawing {
  bands: readonly Band[];
  /** The middle of each token's word, and its band. */
  x: ArrayLike<number>;
  band: ArrayLike<number>;
  /** NaN: not computed, or without an interval. */
  value: ArrayLike<number>;
  low: ArrayLike<number>;
  high: ArrayLike<number>;
  /** What cannot be told from noise; without it what has an interval that contains 0. */
  faint?: ((token: number) => boolean) | undefined;
  /** The token that positions are counted from; 0: the first. */
  from?: number | undefined;
  hover: number | null;
  theme: Theme;
}

/** The least and the most of a chart: 0 and everything that is given are in it. */
export function extent(...columns: ArrayLike<number>[]): { least: number; most: number } {
  let [least, most] = [0, 0];
  for (const column of columns)
    for (let i = 0; i < column.length; i++) {
      const value = column[i] as number;
      if (value < least) least = value;
      if (value > most) most = value;
    }
  return most - least > 0 ? { least, most } : { least, most: 1 };
}

/** Round numbers between two, about `count` of them: 1, 2 or 5 times a power of ten apart. */
export function ticks(least: number, most: number, count: number): number[] {
  const rough = (most - least) / Math.max(1, count);
  if (!(rough > 0)) return [least];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((by) => by * power >= rough * 0.9) ?? 10);
  const found: number[] = [];
  for (let i = Math.ceil(least / step - 1e-9); i * step <= most + step * 1e-9; i++)
    found.push(Number((i * step).toPrecision(12)));
  return found;
}

/** Whether a value's interval leaves 0 out; without an interval nobody knows, and it counts. */
export function isBeyondZero(low: number | undefined, high: number | undefined): boolean {
  if (low === undefined || high === undefined || Number.isNaN(low) || Number.isNaN(high))
    return true;
  return low > 0 || high < 0;
}

/**
 * The ends of the axis. An interval of two numbers can be ten times as wide as all there is: of such
 * ones as much is shown as leaves the values apart.
 */
export function reach({ value, low, high }: Pick<BandsDrawing, "value" | "low" | "high">) {
  const [values, all] = [extent(value), extent(value, low, high)];
  const room = 1.5 * (values.most - values.least);
  return {
    least: Math.max(all.least, values.least - room),
    most: Math.min(all.most, values.most + room),
  };
}

/** Draws over what is there: clearing is the caller's. */
export function drawBands(ctx: CanvasRenderingContext2D, o: BandsDrawing): void {
  const { least, most } = reach(o);
  const y = (value: number, { y0, y1 }: Band): number =>
    y1 - ((Math.max(least, Math.min(most, value)) - least) / (most - least)) * (y1 - y0);
  ctx.save();
  ctx.font = `10px ${o.theme.sans}`;
  for (const band of o.bands) drawAxis(ctx, band, ticks(least, most, 3), y, o.theme);
  drawPositions(ctx, o);
  const table = diverging(o.theme);
  for (let i = 0; i < o.value.length; i++) {
    const [value, band] = [o.value[i] ?? Number.NaN, o.bands[o.band[i] ?? -1]];
    if (!band || Number.isNaN(value)) continue;
    const [x, low, high] = [o.x[i] ?? 0, o.low[i] ?? Number.NaN, o.high[i] ?? Number.NaN];
    const at = i === o.hover;
    const faint = o.faint ? o.faint(i) : !isBeyondZero(low, high);
    ctx.globalAlpha = faint && !at ? 0.4 : 1;
    ctx.fillStyle = at ? o.theme.accent : o.theme.muted;
    if (!Number.isNaN(low) && !Number.isNaN(high))
      ctx.fillRect(x - 0.5, y(high, band), 1, Math.max(1, y(low, band) - y(high, band)));
    if (!at) ctx.fillStyle = css(table, value >= 0 ? 0.9 : 0.1);
    ctx.beginPath();
    ctx.arc(x, y(value, band), at ? 4 : 2.75, 0, 2 * Math.PI);
    ctx.fill();
  }
  ctx.restore();
}

function drawAxis(
  ctx: CanvasRenderingContext2D,
  band: Band,
  at: readonly number[],
  y: (value: number, band: Band) => number,
  theme: Theme,
): void {
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  for (const value of at) {
    const line = Math.round(y(value, band));
    ctx.fillStyle = theme.line;
    ctx.globalAlpha = value === 0 ? 1 : 0.5;
    ctx.fillRect(band.x0, line, band.x1 - band.x0, 1);
    ctx.globalAlpha = 1;
    ctx.fillStyle = theme.muted;
    ctx.fillText(shortNumber(value), band.x0 - 5, line + 0.5);
  }
}

const POSITION_ROOM = 22;

/** The tokens' positions below each band, where they fit. */
function drawPositions(ctx: CanvasRenderingContext2D, o: BandsDrawing) {
  const { bands, x, band, theme, from = 0 } = o;
  ctx.textAlign = "center";
  ctx.textBaseline = "top";
  ctx.fillStyle = theme.muted;
  let [on, last] = [-1, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < x.length; i++) {
    const at = bands[band[i] ?? -1];
    if (!at) continue;
    if (band[i] !== on) [on, last] = [band[i] ?? -1, Number.NEGATIVE_INFINITY];
    if ((x[i] ?? 0) - last < POSITION_ROOM) continue;
    last = x[i] ?? 0;
    ctx.fillText(i < from ? `−${from - i}` : String(i - from), last, at.y1 + 3);
  }
}

/** The token whose word is nearest across, in the band or line of text at a height. */
export function nearestToken(
  { x, band, bands }: Pick<BandsDrawing, "x" | "band" | "bands">,
  px: number,
  py: number,
): number | null {
  const on = bands.findIndex(({ y0, y1 }) => py >= y0 - 4 && py <= y1 + 14);
  if (on < 0) return null;
  let [best, nearest] = [null as number | null, 40];
  for (let i = 0; i < x.length; i++) {
    if (band[i] !== on) continue;
    const far = Math.abs((x[i] ?? 0) - px);
    if (far < nearest) [best, nearest] = [i, far];
  }
  return best;
}
