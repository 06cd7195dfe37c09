// From values to colours and back to words: the ends, the sign, what chance gives, the unit.
import { diverging, sequential } from "./color";
import type { Theme } from "./theme";

export interface Scale {
  /** Values at the ends of the colours. */
  least: number;
  most: number;
  /** Two colours that meet at 0 in the middle (then least is −most), or one ramp. */
  signed: boolean;
  /** What the numbers are: "attention", "nats", "prefix matching". */
  unit: string;
  /** What chance alone would give, where that is known. */
  chance?: number | null | undefined;
  /** What chance is called where it is something else: "control", "uniform attention". */
  chanceName?: string | undefined;
}

/** 256 packed colours, from `least` to `most`. */
export function tableOf({ signed }: Scale, theme: Theme): Uint32Array {
  return signed ? diverging(theme) : sequential(theme);
}

/** Where a value is between the ends, 0 to 1, clipped; 0 for what is no number. */
export function share(value: number, { least, most }: Pick<Scale, "least" | "most">): number {
  return most > least ? Math.min(1, Math.max(0, (value - least) / (most - least))) || 0 : 0;
}

/** Ends as far from 0 on both sides, so that 0 is the middle of a diverging table. */
export function evenly(values: ArrayLike<number>): { least: number; most: number } {
  let most = 0;
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i] as number);
    if (size > most) most = size;
  }
  return { least: -(most || 1), most: most || 1 };
}
