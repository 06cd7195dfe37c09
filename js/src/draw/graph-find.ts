// What is under a point of a graph, and what the arrow keys go to.
import type { GraphData, GraphLayout } from "./graph-layout";

export type GraphItem = { kind: "node"; at: number } | { kind: "edge"; at: number };

const NODE_REACH = 8;
const EDGE_REACH = 5;
const STEPS = 24;

/** Whether an edge is drawn at a threshold. */
export function isShown(weight: number | undefined, least: number): boolean {
  return weight !== undefined && Math.abs(weight) >= least;
}

/** The edges of a node that are drawn, the strongest first. */
export function edgesOf({ edges }: GraphData, node: number, least: number): number[] {
  const found: number[] = [];
  for (let e = 0; e < edges.source.length; e++) {
    if (edges.source[e] !== node && edges.target[e] !== node) continue;
    if (isShown(edges.weight[e], least)) found.push(e);
  }
  const size = (e: number) => Math.abs(edges.weight[e] ?? 0);
  return found.sort((a, b) => size(b) - size(a));
}

/** Which nodes have an edge that is drawn. */
export function linked({ nodes, edges }: GraphData, least: number): Uint8Array {
  const has = new Uint8Array(nodes.row.length);
  for (let e = 0; e < edges.source.length; e++) {
    if (!isShown(edges.weight[e], least)) continue;
    has[edges.source[e] as number] = 1;
    has[edges.target[e] as number] = 1;
  }
  return has;
}

/** The node or else the edge under a point; of several edges the nearest. */
export function hitGraph(
  data: GraphData,
  layout: GraphLayout,
  least: number,
  px: number,
  py: number,
): GraphItem | null {
  const node = nearestNode(layout, linked(data, least), px, py);
  if (node !== null) return { kind: "node", at: node };
  let [best, nearest] = [null as number | null, EDGE_REACH];
  for (let e = 0; e < data.edges.source.length; e++) {
    if (!isShown(data.edges.weight[e], least)) continue;
    const far = distance(layout.curves, 8 * e, px, py, nearest);
    if (far < nearest) [best, nearest] = [e, far];
  }
  return best === null ? null : { kind: "edge", at: best };
}

function nearestNode(
  { x, y }: GraphLayout,
  has: Uint8Array,
  px: number,
  py: number,
): number | null {
  let [best, nearest] = [null as number | null, NODE_REACH ** 2];
  for (let i = 0; i < x.length; i++) {
    if (!has[i]) continue;
    const far = ((x[i] ?? 0) - px) ** 2 + ((y[i] ?? 0) - py) ** 2;
    if (far <= nearest) [best, nearest] = [i, far];
  }
  return best;
}

/** How far a point is from a cubic, or `reach` where that is certainly more. */
function distance(c: Float32Array, o: number, px: number, py: number, reach: number): number {
  const at = (i: number): number => c[o + i] ?? 0;
  const [xs, ys] = [
    [at(0), at(2), at(4), at(6)],
    [at(1), at(3), at(5), at(7)],
  ];
  // A cubic stays within its control points.
  if (px < Math.min(...xs) - reach || px > Math.max(...xs) + reach) return reach;
  if (py < Math.min(...ys) - reach || py > Math.max(...ys) + reach) return reach;
  let least = reach ** 2;
  let [ax, ay] = [at(0), at(1)];
  for (let step = 1; step <= STEPS; step++) {
    const [bx, by] = pointAt(c, o, step / STEPS);
    least = Math.min(least, toSegment(px, py, ax, ay, bx, by));
    [ax, ay] = [bx, by];
  }
  return Math.sqrt(least);
}

/** The point at `t` (0 to 1) of the cubic at `o`. */
export function pointAt(c: ArrayLike<number>, o: number, t: number): [number, number] {
  const s = 1 - t;
  const along = (i: number): number =>
    s ** 3 * (c[o + i] ?? 0) +
    3 * s * s * t * (c[o + 2 + i] ?? 0) +
    3 * s * t * t * (c[o + 4 + i] ?? 0) +
    t ** 3 * (c[o + 6 + i] ?? 0);
  return [along(0), along(1)];
}

/** Squared distance of a point from a segment. */
function toSegment(px: number, py: number, ax: number, ay: number, bx: number, by: number): number {
  const [dx, dy] = [bx - ax, by - ay];
  const t = Math.max(0, Math.min(1, ((px - ax) * dx + (py - ay) * dy) / (dx * dx + dy * dy || 1)));
  return (ax + t * dx - px) ** 2 + (ay + t * dy - py) ** 2;
}

/** The node that an arrow key goes to: the nearest that lies that way; itself where none does. */
export function nodeBeside(
  data: GraphData,
  layout: GraphLayout,
  least: number,
  from: number,
  [right, down]: readonly [number, number],
): number {
  const has = linked(data, least);
  let [best, nearest] = [from, Number.POSITIVE_INFINITY];
  for (let i = 0; i < has.length; i++) {
    if (!has[i] || i === from) continue;
    const dx = (layout.x[i] ?? 0) - (layout.x[from] ?? 0);
    const dy = (layout.y[i] ?? 0) - (layout.y[from] ?? 0);
    const ahead = dx * right + dy * down;
    if (ahead <= 0.5) continue;
    // What lies straight ahead is nearer than what lies as far aside.
    const far = ahead + 3 * Math.abs(dx * down - dy * right);
    if (far < nearest) [best, nearest] = [i, far];
  }
  return best;
}

/** Where the keyboard begins: the strongest edge's target, else the first node. */
export function firstNode(data: GraphData, layout: GraphLayout, least: number): number | null {
  const strongest = layout.order[layout.order.length - 1];
  if (strongest !== undefined && isShown(data.edges.weight[strongest], least))
    return data.edges.target[strongest] ?? null;
  return data.nodes.row.length > 0 ? 0 : null;
}
