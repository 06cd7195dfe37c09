// Every head and MLP by how far out of line it is in the case: rows are layers, the MLP comes last.
import { useMemo } from "preact/hooks";
import { fixed, isThere } from "../../draw/number";
import type { Session } from "../../model/session";
import { Heat } from "../../parts/Heat";
import { headOf, labelOf, layerOf, partAt, partSaid, zOf } from "./rows";
import type { Shown } from "./state";
import { findsSaid } from "./words";

export function Anomalies({ session, shown }: { session: Session; shown: Shown }) {
  const { rows, at, part, choosePart } = shown;
  const { n_layers: layers, n_heads: heads } = session.text.value;
  const cells = useMemo(() => zOf(rows, at, heads), [rows, at, heads]);
  const { cols } = cells;
  const scale = useMemo(() => {
    const most = cells.values.reduce((all, z) => (z > all ? z : all), 0) || 1;
    return { least: 0, most, signed: false, unit: "robust z" };
  }, [cells]);
  const names = useMemo(
    () => [
      Array.from({ length: layers }, (_, layer) => `${layer}`),
      Array.from({ length: cols }, (_, head) => (head < heads ? `${head}` : "MLP")),
    ],
    [layers, heads, cols],
  );
  const [layer, column] = headOf(part) ?? [Number(layerOf(part)), heads];
  const said = (row: number, col: number): string => {
    const name = partAt(row, col, heads);
    const z = cells.values[row * cols + col];
    if (!isThere(z)) return `${partSaid(name)}: not computed`;
    const found = rows.parts.find((one) => one.case === at && one.name === name);
    const out = found && found.q <= rows.threshold;
    const kind = out ? labelOf(rows.kinds, found.type) : "in line";
    const beside = found ? `${findsSaid(found.q)}, ${kind}` : kind;
    return `${partSaid(name)}: z ${fixed(z, 1)}, ${beside}`;
  };
  return (
    <Heat
      name="anomalies"
      label="How far out of line each head (columns) is by layer (rows); MLPs are in the last column."
      title={<h3>Out of line in case {at}</h3>}
      theme={session.theme}
      rows={{ label: "layer", names: names[0] ?? [] }}
      cols={{ label: "head", names: names[1] ?? [] }}
      cells={cells}
      scale={scale}
      selected={{ row: layer, col: column }}
      choose={(row, col) => choosePart(partAt(row, col, heads))}
      said={said}
      legend={{ note: `faint: q above ${rows.threshold}` }}
      fill
    />
  );
}
