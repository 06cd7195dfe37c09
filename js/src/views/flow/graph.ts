// Routes as a layered graph: positions across, the residual stream before each layer up to the output.
import type { Link } from "../../draw/graph";
import type { GraphData } from "../../draw/graph-layout";
import { nameOf } from "../../model/address";
import type { FlowRows, Path, Step } from "./rows";

export interface FlowGraph {
  data: GraphData;
  /** The node of a position's stream before a layer. */
  nodeOf: (layer: number, position: number) => number;
  /** The layer and position of a node. */
  at: { layer: number; position: number }[];
}

/** The graph of what is sent: streams that no edge or path touches are no nodes. */
export function flowGraph(rows: FlowRows): FlowGraph {
  const { edges, position } = rows;
  const n = position + 1;
  const known = new Map<number, number>();
  const at: FlowGraph["at"] = [];
  const nodeOf = (layer: number, position: number): number => {
    const key = layer * n + position;
    const node = known.get(key);
    if (node !== undefined) return node;
    known.set(key, at.length);
    at.push({ layer, position });
    return at.length - 1;
  };
  const count = edges.layer.length;
  const [source, target] = [new Int32Array(count), new Int32Array(count)];
  const label: string[] = [];
  for (let e = 0; e < count; e++) {
    const [layer, from, to] = [edges.layer[e] ?? 0, edges.source[e] ?? 0, edges.target[e] ?? 0];
    source[e] = nodeOf(layer, from);
    target[e] = nodeOf(layer + 1, to);
    const head = edges.head[e] ?? -1;
    label.push(head < 0 || from === to ? "" : nameOf([layer, head]));
  }
  for (const { steps } of rows.paths)
    for (const step of steps) {
      nodeOf(step.layer, step.source);
      nodeOf(step.layer + 1, step.target);
    }
  return {
    data: {
      rows: Array.from({ length: rows.nLayers + 1 }, (_, layer) =>
        layer === rows.nLayers ? "out" : String(layer),
      ),
      nodes: {
        row: Int32Array.from(at, ({ layer }) => layer),
        label: at.map(() => ""),
        place: Float32Array.from(at, ({ position }) => (position + 0.5) / n),
      },
      edges: { source, target, weight: edges.share, label },
    },
    nodeOf,
    at,
  };
}

/** A path's steps as lines between nodes. */
export function linksOf({ nodeOf }: FlowGraph, path: Path | null): Link[] {
  return (path?.steps ?? []).map((step) => ({
    source: nodeOf(step.layer, step.source),
    target: nodeOf(step.layer + 1, step.target),
    label: labelOf(step),
  }));
}

function labelOf({ head, source, target }: Step): string {
  return head === null || source === target ? "" : nameOf(head);
}
