// The colours of a text by one effect.
import { isBeyondZero } from "../../draw/bands";
import { evenly } from "../../draw/scale";
import type { WordsChart, WordsLook } from "../../parts/Words";
import type { Effect, InfluenceRows } from "./rows";

/** How much of its colour an effect keeps that cannot be told from 0. */
const FAINT = 0.35;

/**
 * Whether an effect is more than noise: than random changes where these were measured, or than 0.
 * Of several prompts what has no interval is not: one prompt alone has a token there.
 */
export function isKnown(
  { value, low, high, nullHigh, signed }: Effect,
  i: number,
  several = false,
): boolean {
  const [most, least] = [nullHigh[i] ?? Number.NaN, low[i] ?? Number.NaN];
  if (several && Number.isNaN(least)) return false;
  if (!Number.isNaN(most)) return (Number.isNaN(least) ? (value[i] ?? Number.NaN) : least) > most;
  // What is never below 0 has an interval that leaves it out, whatever it is.
  return !signed || isBeyondZero(low[i], high[i]);
}

export function chartOf(rows: InfluenceRows, effect: Effect | null): WordsChart | null {
  if (!effect) return null;
  const faint = (i: number) => !isKnown(effect, i, rows.several !== null);
  return { ...effect, faint, from: rows.byDistance ? rows.position : 0 };
}

export function lookOf(rows: InfluenceRows, effect: Effect | null): WordsLook {
  const value = effect?.value ?? new Float32Array();
  const { most } = evenly(value);
  return {
    ground: Float32Array.from(value, (v, i) => {
      const known = effect === null || isKnown(effect, i, rows.several !== null);
      return (v / most) * (known ? 1 : FAINT);
    }),
    signed: effect?.signed ?? true,
    marks: {
      pinned: (i) => i === rows.position,
      here: (i) => Boolean(rows.several?.others[i]),
      unknown: (i) => i <= rows.position && Number.isNaN(value[i] ?? Number.NaN),
      written: (i) => i >= rows.nPrompt,
    },
  };
}
