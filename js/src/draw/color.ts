// From a number to a colour: tables of 256 in which equal steps of data look like equal steps.
import { fromLab, type Lab, parseColour, polar, type Rgb, toLab } from "./oklab";
import type { Theme } from "./theme";

const BLUE = 257;
const ORANGE = 58;
/** Half the stretch over which the turn of a ramp's chroma is rounded. */
const ROUND = 0.1;

/** One arm of a ramp. `turn`: where between its ends (0 to 1) it is `peak` coloured. */
interface Arm {
  end: Lab;
  peak: Lab;
  turn: number;
}

// Chroma climbs to the turn and falls after it at about the same rate: with lightness linear, the
// steps are then equal in OKLab as well. The turn sits where sRGB has room for the hue.
const SEQUENTIAL: Record<"light" | "dark", Arm> = {
  light: { end: polar(0.23, 0.06, 262), peak: polar(0, 0.155, BLUE), turn: 0.6 },
  dark: { end: polar(0.965, 0.02, 245), peak: polar(0, 0.145, BLUE), turn: 0.5 },
};
const DIVERGING: Record<"light" | "dark", [negative: Arm, positive: Arm]> = {
  light: [
    { end: polar(0.4, 0.12, BLUE), peak: polar(0, 0.14, BLUE), turn: 0.65 },
    { end: polar(0.4, 0.1, ORANGE), peak: polar(0, 0.135, ORANGE), turn: 0.65 },
  ],
  dark: [
    { end: polar(0.86, 0.07, BLUE), peak: polar(0, 0.13, BLUE), turn: 0.5 },
    { end: polar(0.86, 0.09, 65), peak: polar(0, 0.125, ORANGE), turn: 0.5 },
  ],
};

const tables = new Map<string, Uint32Array>();

/** The one ramp of magnitudes: the page's own colour at 0, through blue, to the far end at 1. */
export function sequential(theme: Theme): Uint32Array {
  return cached(`s${theme.dark}${theme.page}`, () => {
    const { lab, bytes } = page(theme);
    const arm = SEQUENTIAL[theme.dark ? "dark" : "light"];
    return table((i) => (i === 0 ? bytes : rounded(along(lab, arm, i / 255))));
  });
}

/** Signed data: blue below, the page's colour at 0 (entry 128), orange above. */
export function diverging(theme: Theme): Uint32Array {
  return cached(`d${theme.dark}${theme.page}`, () => {
    const { lab, bytes } = page(theme);
    const [negative, positive] = DIVERGING[theme.dark ? "dark" : "light"];
    return table((i) => {
      if (i === 128) return bytes;
      return rounded(
        i < 128 ? along(lab, negative, (128 - i) / 128) : along(lab, positive, (i - 128) / 127),
      );
    });
  });
}

/** The colour at `t` (0 to 1, clipped) for fillStyle and CSS. */
export function css(table: Uint32Array, t: number): string {
  const i = Math.round(Math.min(1, Math.max(0, t || 0)) * 255);
  return cssOf(table[i] ?? 0);
}

/** A packed ABGR entry as CSS. */
export function cssOf(packed: number): string {
  return `rgb(${packed & 255},${(packed >>> 8) & 255},${(packed >>> 16) & 255})`;
}

/** A CSS colour as an opaque ABGR entry. */
export function pack(colour: string): number {
  const [r, g, b] = (parseColour(colour)?.rgb ?? [0, 0, 0]).map((v) => Math.round(v * 255));
  return abgr(r ?? 0, g ?? 0, b ?? 0);
}

/** `part` of the way from one packed colour to another, each channel by itself. */
export function mix(from: number, to: number, part: number): number {
  let out = 0xff000000;
  for (let shift = 0; shift < 24; shift += 8) {
    const a = (from >>> shift) & 255;
    out |= Math.round(a + (((to >>> shift) & 255) - a) * part) << shift;
  }
  return out >>> 0;
}

// ImageData is RGBA in memory; every machine that runs a browser is little-endian.
const abgr = (r: number, g: number, b: number): number =>
  (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;

function cached(key: string, make: () => Uint32Array): Uint32Array {
  let found = tables.get(key);
  if (!found) {
    if (tables.size > 16) tables.clear();
    found = make();
    tables.set(key, found);
  }
  return found;
}

const table = (entry: (i: number) => number): Uint32Array =>
  Uint32Array.from({ length: 256 }, (_, i) => entry(i));

function page(theme: Theme): { lab: Lab; bytes: number } {
  const rgb: Rgb = parseColour(theme.page)?.rgb ?? (theme.dark ? [0, 0, 0] : [1, 1, 1]);
  return { lab: toLab(rgb), bytes: pack(theme.page) };
}

/** The point at `t` of the way from `start` by the arm's peak to its end. */
function along(start: Lab, { end, peak, turn }: Arm, t: number): Lab {
  const axis = (k: 1 | 2): number => {
    const line = (u: number): number =>
      u < turn
        ? start[k] + ((peak[k] - start[k]) * u) / turn
        : peak[k] + ((end[k] - peak[k]) * (u - turn)) / (1 - turn);
    if (Math.abs(t - turn) >= ROUND) return line(t);
    // A quadratic Bézier over the corner: no kink to be seen as an edge in smooth data.
    const u = (t - turn + ROUND) / (2 * ROUND);
    return (
      (1 - u) ** 2 * line(turn - ROUND) + 2 * u * (1 - u) * peak[k] + u ** 2 * line(turn + ROUND)
    );
  };
  return [start[0] + (end[0] - start[0]) * t, axis(1), axis(2)];
}

/**
 * The nearest of the eight 8-bit neighbours, lightness before hue: plain rounding of each channel
 * would make lightness go back and forth between entries.
 */
function rounded(lab: Lab): number {
  const target = fromLab(lab).map((v) => v * 255);
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let bits = 0; bits < 8; bits++) {
    const [r, g, b] = target.map((v, i) => Math.min(255, Math.floor(v) + ((bits >> i) & 1)));
    const rgb: Rgb = [(r ?? 0) / 255, (g ?? 0) / 255, (b ?? 0) / 255];
    const near = toLab(rgb);
    const miss = 30 * (near[0] - lab[0]) ** 2 + (near[1] - lab[1]) ** 2 + (near[2] - lab[2]) ** 2;
    if (miss < least) {
      least = miss;
      best = abgr(r ?? 0, g ?? 0, b ?? 0);
    }
  }
  return best;
}
