/** Two digits after the point, with a true minus; a dash for what was not computed. */
export function fixed(value: number | null | undefined, digits = 2): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return value
    .toFixed(digits)
    .replace(/^-(?=0\.?0*$)/, "")
    .replace(/^-/, "−");
}

/** As many digits as a small attention needs to be told from zero. */
export function exact(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return value !== 0 && value < 0.001 ? value.toExponential(1) : value.toFixed(4);
}
