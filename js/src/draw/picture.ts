// The cells of a matrix as an image of one pixel a cell (or a block of cells), to be scaled up.
import type { Canvas } from "./canvas";
import { mix } from "./color";
import { type Scale, share, tableOf } from "./scale";
import type { Theme } from "./theme";
import { type PaintOptions, paint, stride, type Tile, toCanvas } from "./tile";
import type { Shape, Window } from "./viewport";

export interface Picture {
  canvas: Canvas;
  /** The cells it covers. */
  window: Window;
  /** Cells a pixel stands for, both ways; the last may be fewer. */
  step: number;
}

/** How much of its colour a value keeps that cannot be told from chance. */
const FAINT = 0.35;

export interface Values extends Shape {
  /** Row after row; NaN: missing. */
  values: ArrayLike<number>;
  /** 1: not distinguishable from chance, and drawn fainter. */
  faint?: Uint8Array | null | undefined;
}

/** The image of values; missing ones are clear. */
export function imageOf(
  { rows, cols, values, faint }: Values,
  scale: Pick<Scale, "least" | "most" | "signed">,
  table: Uint32Array,
): ImageData {
  const pixels = new Uint32Array(rows * cols);
  // What no value is, the page shows: a table of a magnitude starts there, a signed one has it midway.
  const page = table[scale.signed ? 128 : 0] ?? 0;
  for (let i = 0; i < pixels.length; i++) {
    const value = values[i] ?? Number.NaN;
    if (Number.isNaN(value)) continue;
    const colour = table[Math.round(share(value, scale) * 255)] as number;
    pixels[i] = faint?.[i] ? mix(page, colour, FAINT) : colour;
  }
  const data = new Uint8ClampedArray(pixels.buffer);
  if (typeof ImageData === "function" && rows > 0 && cols > 0)
    return new ImageData(data, cols, rows);
  return { data, width: cols, height: rows, colorSpace: "srgb" } as ImageData;
}

export function pictureOf(values: Values, scale: Scale, theme: Theme): Picture {
  const { rows, cols } = values;
  return {
    canvas: toCanvas(imageOf(values, scale, tableOf(scale, theme))),
    window: { r0: 0, r1: rows, c0: 0, c1: cols },
    step: 1,
  };
}

/** One head's attention as the kernel sent it, `most` in the last colour: rows are queries. */
export function pictureOfTile(
  tile: Tile,
  table: Uint32Array,
  most: number,
  options: PaintOptions,
): Picture {
  return {
    canvas: toCanvas(paint(tile, table, most, options)),
    window: { r0: tile.q0, r1: tile.q1, c0: tile.k0, c1: tile.k1 },
    step: stride(tile),
  };
}
