// Heads by heads, in an order in which related heads are neighbours.
import type { ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { exact, fixed } from "../../draw/number";
import type { Theme } from "../../draw/theme";
import { type EdgeAt, nameOf, sameHead } from "../../model/address";
import { Heat } from "../../parts/Heat";
import type { CoordinationRows } from "./rows";

interface Props {
  rows: CoordinationRows;
  theme: ReadonlySignal<Theme>;
  edge: EdgeAt | null;
  choose: (edge: EdgeAt) => void;
}

export function Matrix({ rows, theme, edge, choose }: Props) {
  const { heads, value, q, signed, unit, fdr } = rows;
  const n = heads.length;
  const names = useMemo(() => heads.map(nameOf), [heads]);
  const cells = useMemo(() => {
    const faint = Uint8Array.from(q, (q) => (q < fdr ? 0 : 1));
    return { rows: n, cols: n, values: value, faint };
  }, [n, value, q, fdr]);
  const scale = useMemo(() => ({ least: signed ? -1 : 0, most: 1, signed, unit }), [signed, unit]);
  const row = edge ? heads.findIndex((head) => sameHead(head, edge.sender)) : -1;
  const col = edge ? heads.findIndex((head) => sameHead(head, edge.receiver)) : -1;
  return (
    <>
      <h3>
        {rows.title}{" "}
        <span class="quiet">
          {signed
            ? "ordered by |value|: neighbours are closely related, with either sign"
            : "ordered so that similar heads are neighbours"}
        </span>
      </h3>
      <Heat
        name="heads-matrix"
        label="How related each two heads are, in clustered order."
        {...{ theme, cells, scale }}
        fill
        rows={{ label: "head", names }}
        cols={{ label: "head", names }}
        {...(row >= 0 && col >= 0 ? { selected: { row, col } } : {})}
        legend={{ note: `faint: not q < ${fdr}` }}
        said={(row, col) => {
          const at = row * n + col;
          if (row === col) return `${names[row]} with itself`;
          const pair = `${names[row]} and ${names[col]}`;
          const why = rows.why(at);
          if (Number.isNaN(value[at] ?? Number.NaN))
            return `${pair}: nothing to compare${why && `, ${why}`}`;
          if (Number.isNaN(q[at] ?? Number.NaN))
            return `${pair}: ${unit} ${fixed(value[at])}, without a p${why && `: ${why}`}`;
          const sure = (q[at] ?? 1) < fdr ? "significant" : "not significant";
          return `${pair}: ${unit} ${fixed(value[at])}, q ${exact(q[at], 3)}, ${sure}`;
        }}
        choose={(row, col) => {
          const [a, b] = [heads[row], heads[col]];
          if (a && b && row !== col)
            choose(a[0] <= b[0] ? { sender: a, receiver: b } : { sender: b, receiver: a });
        }}
      />
    </>
  );
}
