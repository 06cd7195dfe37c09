// The effect of every token on every prediction after it.
import type { ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { labelText } from "../../draw/label";
import { fixed } from "../../draw/number";
import { evenly } from "../../draw/scale";
import type { Theme } from "../../draw/theme";
import { Heat } from "../../parts/Heat";
import type { InfluenceRows } from "./rows";

interface Props {
  rows: InfluenceRows;
  pairs: Float32Array;
  tokens: readonly string[];
  theme: ReadonlySignal<Theme>;
}

export function Pairs({ rows, pairs, tokens, theme }: Props) {
  const n = tokens.length;
  const cells = useMemo(() => ({ rows: n, cols: n, values: pairs }), [n, pairs]);
  const scale = useMemo(() => ({ ...evenly(pairs), signed: true, unit: "nats" }), [pairs]);
  const name = (i: number) => labelText(tokens[i] ?? "", 16).trim();
  const next = (i: number) =>
    i === rows.position ? labelText(rows.target, 16).trim() : name(i + 1);
  return (
    <Heat
      name="pairs-matrix"
      label="Effect of each token on the prediction after each position."
      title={<h3>Effect of each token (rows) on the prediction after each position (columns)</h3>}
      {...{ theme, cells, scale }}
      fill
      rows={{ label: "token", names: tokens }}
      cols={{ label: "after", names: tokens }}
      said={(row, col) => {
        const value = pairs[row * n + col] ?? Number.NaN;
        if (Number.isNaN(value))
          return row > col
            ? `“${name(row)}” (position ${row}) comes after position ${col}`
            : `“${name(row)}” (position ${row}) on “${next(col)}”: not computed`;
        return `“${name(row)}” (position ${row}) on “${next(col)}” (predicted after position ${col}): ${fixed(value)} nats`;
      }}
    />
  );
}
