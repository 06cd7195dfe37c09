// Parts of layers as a graph: a row a layer, attention on the left and the MLP on the right.
import type { GraphBand } from "../../draw/graph";
import type { GraphData } from "../../draw/graph-layout";
import type { LayersRows } from "./rows";

const PLACES: Record<string, number> = { attn: 0.28, mlp: 0.72 };

/** below: flows that are no more than chance are faint. */
export function layersGraph({ parts, flows, bound }: LayersRows): GraphData {
  const last = parts.row[parts.row.length - 1] ?? 0;
  const { value } = flows.strength;
  return {
    rows: Array.from({ length: last + 1 }, (_, i) =>
      i === 0 ? "in" : i === last ? "out" : String(i - 1),
    ),
    nodes: {
      row: parts.row,
      label: parts.name,
      place: parts.kind.map((kind) => PLACES[kind] ?? 0.5),
      lag: parts.kind.map((kind) => (kind === "mlp" ? 0.5 : 0)),
    },
    edges: {
      source: flows.source,
      target: flows.target,
      weight: value,
      label: null,
      alpha: value.map((each) => (Math.abs(each) > bound ? 1 : 0.45)),
    },
  };
}

/** The levels between the embedding and the output. */
export function bandsOf({ levels }: LayersRows): GraphBand[] {
  return levels.slice(1, -1).map(({ name, first, last }) => ({ label: name, first, last }));
}
