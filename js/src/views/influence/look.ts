// The colours of a text by one effect.
import { isBeyondZero } from "../../draw/bands";
import { evenly } from "../../draw/scale";
import type { WordsLook } from "../../parts/Words";
import type { Effect, InfluenceRows } from "./rows";

/** How much of its colour an effect keeps that cannot be told from 0. */
const FAINT = 0.35;

/** Whether an effect is more than noise: than random changes where these were measured, or than 0. */
export function isKnown({ value, low, high, nullHigh, signed }: Effect, i: number): boolean {
  const most = nullHigh[i] ?? Number.NaN;
  if (!Number.isNaN(most)) {
    const least = low[i] ?? Number.NaN;
    return (Number.isNaN(least) ? (value[i] ?? Number.NaN) : least) > most;
  }
  // What is never below 0 has an interval that leaves it out, whatever it is.
  return !signed || isBeyondZero(low[i], high[i]);
}

export function lookOf(rows: InfluenceRows, effect: Effect | null): WordsLook {
  const value = effect?.value ?? new Float32Array();
  const { most } = evenly(value);
  return {
    ground: Float32Array.from(value, (v, i) => {
      const known = effect === null || isKnown(effect, i);
      return (v / most) * (known ? 1 : FAINT);
    }),
    signed: effect?.signed ?? true,
    marks: {
      pinned: (i) => i === rows.position,
      unknown: (i) => i <= rows.position && Number.isNaN(value[i] ?? Number.NaN),
      written: (i) => i >= rows.nPrompt,
    },
  };
}
