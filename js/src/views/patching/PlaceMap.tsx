// Layers by positions, by the effect of patching each place.
import type { ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { labelText } from "../../draw/label";
import { fixed, percent } from "../../draw/number";
import { evenly } from "../../draw/scale";
import type { Theme } from "../../draw/theme";
import { Choice } from "../../parts/Choice";
import { Heat } from "../../parts/Heat";
import { type PatchingRows, type Places, surenessOf } from "./rows";

interface Props {
  rows: PatchingRows;
  places: Places;
  theme: ReadonlySignal<Theme>;
  layer: number;
  column: number | null;
  choose: (layer: number, column: number) => void;
  /** "effect" or "share". */
  measure: string;
  chooseMeasure: (measure: string) => void;
}

const MEASURES = [
  { value: "effect", label: "effect" },
  { value: "share", label: "share of clean − corrupt" },
];

export function PlaceMap(props: Props) {
  const { rows, places, theme, layer, column, choose, measure } = props;
  const { layers, labels, q } = places;
  const cols = labels.length;
  const values = measure === "share" ? places.share : places.effect;
  const tested = q.some((each) => !Number.isNaN(each));
  const cells = useMemo(() => {
    const faint = Uint8Array.from(q, (each) => (tested && !(each < rows.fdr) ? 1 : 0));
    return { rows: layers, cols, values, faint };
  }, [layers, cols, values, q, tested, rows.fdr]);
  const unit = measure === "share" ? "share of clean − corrupt" : rows.unit || rows.measured;
  const scale = useMemo(() => ({ ...evenly(values), signed: true, unit }), [values, unit]);
  const names = useMemo(() => Array.from({ length: layers }, (_, at) => String(at)), [layers]);
  return (
    <div class="place-map" style={`--cw-rows: ${layers}`}>
      <Choice
        label="Measure"
        options={MEASURES}
        value={measure === "share" ? "share" : "effect"}
        choose={props.chooseMeasure}
      />
      <Heat
        name="place-map"
        label="The effect of patching each layer (rows) at each position (columns)."
        {...{ theme, cells, scale }}
        fill
        rows={{ label: "layer", names }}
        cols={{ label: places.kind, names: labels }}
        selected={{ row: layer, col: column }}
        choose={choose}
        said={(row, col) => said(rows, places, row, col)}
        idle="Hover a cell to see its effect."
        {...(tested ? { legend: { note: `faint: not q < ${rows.fdr}` } } : {})}
      />
    </div>
  );
}

function said(rows: PatchingRows, places: Places, row: number, col: number): string {
  const at = row * places.labels.length + col;
  const [clean = "", corrupt = ""] = [places.clean[col], places.corrupt[col]];
  const quoted = (token: string) => `“${labelText(token, 16).trim()}”`;
  const both = clean === corrupt ? quoted(clean) : `${quoted(clean)} / ${quoted(corrupt)}`;
  const role = places.kind === "role" ? `${places.labels[col]} ` : "";
  const where = `layer ${row}, ${role}${both} (position ${col})`;
  const value = places.effect[at] ?? Number.NaN;
  if (Number.isNaN(value)) return `${where}: not measured`;
  if (value === 0) return `${where}: 0, the prompts do not differ there`;
  const share = places.share[at] ?? Number.NaN;
  const of = Number.isNaN(share) ? "" : ` (${percent(share)} of clean − corrupt)`;
  const effect = `${fixed(value)}${rows.unit && ` ${rows.unit}`}${of}`;
  return `${where}: ${effect}; ${surenessOf(places.q[at], rows)}`;
}
