// How a number is written, on a canvas and in a table alike: a true minus, a dash for what is missing.

export type Numeric = number | null | undefined;

const MISSING = "–";

/** As many digits after the point as its neighbours: for columns, bars and sentences. */
export function fixed(value: Numeric, digits = 2): string {
  if (!isThere(value)) return MISSING;
  return signed(value.toFixed(digits).replace(/^-(?=0(\.0*)?$)/, ""));
}

/** With a small value told from zero: 0.0312, 4.1e−5. For one exact value, and for p and q. */
export function exact(value: Numeric, digits = 4): string {
  if (!isThere(value)) return MISSING;
  if (value !== 0 && Math.abs(value) < 1e-3) return signed(powers(value));
  return fixed(value, digits);
}

/** For a narrow place: 0, 1, 0.25, 0.004, −3.1, 1.2e+4. */
export function shortNumber(value: Numeric): string {
  if (!isThere(value)) return MISSING;
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e4)) return signed(powers(value));
  return signed(String(size >= 100 ? Math.round(value) : Number(value.toPrecision(2))));
}

/** A share in percent: "82 %". */
export function percent(share: Numeric): string {
  return isThere(share) ? `${fixed(100 * share, 0)} %` : MISSING;
}

/** "0.12 to 0.34", or "" where there is no interval. */
export function interval(low: Numeric, high: Numeric, digits = 2): string {
  return isThere(low) && isThere(high) ? `${fixed(low, digits)} to ${fixed(high, digits)}` : "";
}

/** "1 head", "2 heads". */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

export function isThere(value: Numeric): value is number {
  return value !== null && value !== undefined && Number.isFinite(value);
}

function powers(value: number): string {
  return value.toExponential(1).replace(".0e", "e");
}

function signed(text: string): string {
  return text.replace(/-/g, "−");
}
