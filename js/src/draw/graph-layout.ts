// A layered graph's places: a row is a layer, barycentres order the nodes of a row.

/** A graph as columns: nodes in rows, edges between them by their numbers. */
export interface GraphData {
  /** Names of the rows, the first row first. */
  rows: readonly string[];
  nodes: {
    row: ArrayLike<number>;
    label: readonly string[];
    /** Places across, 0 to 1, where they mean something; null: ordered by barycentres. */
    place: ArrayLike<number> | null;
    /** How far a node stands behind its row, as a part of the way to the next one. */
    lag?: ArrayLike<number>;
    /** In px, where nodes differ. */
    radius?: ArrayLike<number>;
    /** A node's own weight, from −1 to 1, for its colour; NaN: none. */
    fill?: ArrayLike<number>;
  };
  edges: {
    source: ArrayLike<number>;
    target: ArrayLike<number>;
    /** Signed; NaN: not drawn. */
    weight: ArrayLike<number>;
    label: readonly string[] | null;
    /** How much of a line is seen, from 0 to 1. */
    alpha?: ArrayLike<number>;
  };
}

/** Which way the rows go, the first at the other end. */
export type Direction = "up" | "down" | "right";

export interface Room {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

export interface GraphLayout {
  room: Room;
  direction: Direction;
  /** Nodes, in px. */
  x: Float32Array;
  y: Float32Array;
  /** Rows, in px: along y, or along x where they go to the right. */
  rows: Float32Array;
  /** Eight numbers an edge: a cubic from its source to its target. */
  curves: Float32Array;
  /** Edges, the strongest last: they come to lie on the others. */
  order: Int32Array;
}

const SWEEPS = 6;

/** Places across for every node: each row in the order of its neighbours' means, evenly spread. */
export function barycentres({ rows, nodes, edges }: GraphData): Float32Array {
  const n = nodes.row.length;
  const place = new Float32Array(n);
  const inRow: number[][] = rows.map(() => []);
  for (let i = 0; i < n; i++) inRow[nodes.row[i] as number]?.push(i);
  const spread = (row: number[]): void => {
    for (const [at, i] of row.entries()) place[i] = (at + 0.5) / row.length;
  };
  for (const row of inRow) spread(row);
  const near = neighbours(n, edges);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const down = sweep % 2 === 0;
    for (const row of down ? inRow : [...inRow].reverse()) {
      const wanted = new Map(row.map((i) => [i, mean(i, near, nodes.row, place, down)]));
      row.sort((a, b) => (wanted.get(a) ?? 0) - (wanted.get(b) ?? 0) || a - b);
      spread(row);
    }
  }
  return place;
}

interface Near {
  node: number;
  weight: number;
}

function neighbours(n: number, { source, target, weight }: GraphData["edges"]): Near[][] {
  const near: Near[][] = Array.from({ length: n }, () => []);
  for (let e = 0; e < source.length; e++) {
    const [from, to] = [source[e] as number, target[e] as number];
    const strength = Math.abs(weight[e] ?? 0);
    if (!(strength > 0)) continue;
    near[from]?.push({ node: to, weight: strength });
    near[to]?.push({ node: from, weight: strength });
  }
  return near;
}

/** Where a node's neighbours in the rows before (or after) are; without any, where it is. */
function mean(
  i: number,
  near: Near[][],
  row: ArrayLike<number>,
  place: Float32Array,
  before: boolean,
): number {
  let [sum, total] = [0, 0];
  for (const { node, weight } of near[i] ?? []) {
    const ahead = (row[node] as number) - (row[i] as number);
    if (before ? ahead >= 0 : ahead <= 0) continue;
    sum += weight * (place[node] as number);
    total += weight;
  }
  return total > 0 ? sum / total : (place[i] as number);
}

/** Every node's and edge's place in a room of px. */
export function layoutGraph(
  data: GraphData,
  room: Room,
  direction: Direction,
  place: ArrayLike<number> = data.nodes.place ?? barycentres(data),
): GraphLayout {
  const n = data.nodes.row.length;
  const rows = rowPlaces(data, room, direction);
  const [width, height] = [room.x1 - room.x0, room.y1 - room.y0];
  const [x, y] = [new Float32Array(n), new Float32Array(n)];
  const step = (rows[1] ?? 0) - (rows[0] ?? 0);
  for (let i = 0; i < n; i++) {
    const behind = rows.length > 1 ? (data.nodes.lag?.[i] ?? 0) * step : 0;
    const [along, across] = [(rows[data.nodes.row[i] as number] ?? 0) + behind, place[i] ?? 0.5];
    x[i] = direction === "right" ? along : room.x0 + across * width;
    y[i] = direction === "right" ? room.y0 + across * height : along;
  }
  const { source, target, weight } = data.edges;
  const layout: GraphLayout = {
    room,
    direction,
    x,
    y,
    rows,
    curves: new Float32Array(8 * source.length),
    order: Int32Array.from({ length: source.length }, (_, e) => e).sort(
      (a, b) => strength(weight[a]) - strength(weight[b]) || b - a,
    ),
  };
  for (let e = 0; e < source.length; e++)
    layout.curves.set(curveOf(layout, source[e] as number, target[e] as number), 8 * e);
  return layout;
}

/** Rows at even steps from edge to edge, with room for edges that stand out of the last of them. */
function rowPlaces({ rows, nodes, edges }: GraphData, room: Room, direction: Direction) {
  const count = Math.max(1, rows.length);
  let bows = false;
  const at = (i: number) => (nodes.row[i] as number) + (nodes.lag?.[i] ?? 0);
  for (let e = 0; e < edges.source.length && !bows; e++)
    bows = at(edges.source[e] as number) === at(edges.target[e] as number);
  const long = direction === "right" ? room.x1 - room.x0 : room.y1 - room.y0;
  // A name beside the last node, or an arc above the topmost.
  const pad = bows ? Math.min(BOW, (BOW_ROWS * long) / count) * 0.75 + 2 : 4;
  const [start, end] = direction === "right" ? [24, 48] : direction === "up" ? [6, pad] : [pad, 6];
  return Float32Array.from({ length: count }, (_, row) => {
    const share = count === 1 ? 0.5 : row / (count - 1);
    const along = start + share * (long - start - end);
    if (direction === "right") return room.x0 + along;
    return direction === "up" ? room.y1 - along : room.y0 + along;
  });
}

const strength = (weight: number | undefined): number => Math.abs(weight || 0);

/** The most an edge between nodes of one row stands out from it: in px, and in rows. */
const BOW = 60;
const BOW_ROWS = 2.2;

/** Px between two rows. */
export function pitchOf({ rows }: GraphLayout): number {
  return rows.length < 2 ? 100 : Math.abs((rows[1] ?? 0) - (rows[0] ?? 0)) || 1;
}

/** A cubic from node to node: it leaves and enters along the rows' direction. */
export function curveOf(layout: GraphLayout, source: number, target: number): number[] {
  const [x0, y0] = [layout.x[source] ?? 0, layout.y[source] ?? 0];
  const [x1, y1] = [layout.x[target] ?? 0, layout.y[target] ?? 0];
  const most = Math.min(BOW, BOW_ROWS * pitchOf(layout));
  if (layout.direction === "right") {
    const bow = x0 === x1 ? Math.min(most, 10 + Math.abs(y1 - y0) * 0.3) : 0;
    const middle = (x0 + x1) / 2 + bow;
    return [x0, y0, middle, y0, middle, y1, x1, y1];
  }
  const bow = y0 === y1 ? Math.min(most, 10 + Math.abs(x1 - x0) * 0.3) : 0;
  const middle = (y0 + y1) / 2 - bow;
  // A line over several rows of one place goes around what stands between.
  const rows = Math.abs(y1 - y0) / pitchOf(layout);
  const wide = Math.abs(x1 - x0) < 2 && rows > 1.5 ? Math.min(BOW, 8 * rows) : 0;
  const aside = x0 > (layout.room.x0 + layout.room.x1) / 2 ? -wide : wide;
  return [x0, y0, x0 + aside, middle, x1 + aside, middle, x1, y1];
}
