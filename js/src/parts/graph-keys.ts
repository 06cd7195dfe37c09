// Where an arrow key goes in a graph: from node to node, with Shift from edge to edge.
import type { GraphDrawing } from "../draw/graph";
import { edgesOf, firstNode, type GraphItem, isShown, nodeBeside } from "../draw/graph-find";

const ARROWS: Record<string, readonly [right: number, down: number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** The item after a key; null where the key means nothing here. */
export function goTo(
  o: GraphDrawing,
  from: GraphItem | null,
  code: string,
  shift: boolean,
): GraphItem | null {
  const arrow = ARROWS[code];
  if (!arrow) return null;
  if (shift) return nextEdge(o, from, arrow[0] + arrow[1]);
  if (from?.kind === "node")
    return { kind: "node", at: nodeBeside(o.data, o.layout, o.least, from.at, arrow) };
  if (from) {
    const end = arrow[0] + arrow[1] > 0 ? o.data.edges.target : o.data.edges.source;
    return { kind: "node", at: end[from.at] as number };
  }
  const at = firstNode(o.data, o.layout, o.least);
  return at === null ? null : { kind: "node", at };
}

/** Edges from the strongest to the weakest, from a node first its own strongest. */
function nextEdge(o: GraphDrawing, from: GraphItem | null, by: number): GraphItem | null {
  if (from?.kind === "node") {
    const own = edgesOf(o.data, from.at, o.least)[0];
    return own === undefined ? null : { kind: "edge", at: own };
  }
  const all = [...o.layout.order].reverse().filter((e) => isShown(o.data.edges.weight[e], o.least));
  if (all.length === 0) return null;
  const at = from ? all.indexOf(from.at) + by : 0;
  return { kind: "edge", at: all[Math.max(0, Math.min(all.length - 1, at))] as number };
}
