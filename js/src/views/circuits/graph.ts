// A circuit of one size as a layered graph: nodes are components or folded groups, and all edges
// between two of them are one line.
import { barycentres, type GraphData } from "../../draw/graph-layout";
import type { Group } from "./named-sets";
import { readers } from "./reading";
import { type CircuitRows, partName, writing } from "./rows";

/** All edges from one node to another: as strong as the strongest of them. */
export interface Line {
  source: number;
  target: number;
  /** The strongest first. */
  parts: number[];
}

export interface CircuitGraph {
  data: GraphData;
  lines: Line[];
  /** Of nodes, then of folded groups. */
  names: string[];
  /** The node that a component is drawn as: its own, or its group's. */
  home: Int32Array;
  /** Which components are in the circuit. */
  has: Uint8Array;
}

/** Lines in the order of their strongest edge. */
export function linesOf(
  rows: CircuitRows,
  shown: readonly number[],
  has: Uint8Array,
  home: ArrayLike<number>,
): Line[] {
  const found = new Map<number, Line>();
  const n = rows.nodes.name.length * 2;
  for (const e of shown) {
    const source = home[rows.edges.source[e] as number] as number;
    const targets = new Set(readers(rows, e, has).map((node) => home[node] as number));
    for (const target of targets) {
      // What a group says to itself is inside of it.
      if (target === source) continue;
      const line = found.get(source * n + target);
      if (line) line.parts.push(e);
      else found.set(source * n + target, { source, target, parts: [e] });
    }
  }
  return [...found.values()];
}

/** Where every component is across, at all sizes: the chosen circuit says more than the others. */
export function placesOf(rows: CircuitRows): Float32Array {
  if (rows.roles.length > 0) return columnPlaces(rows);
  const all = Array.from(rows.edges.source, (_, e) => e);
  const n = rows.nodes.name.length;
  const own = Int32Array.from({ length: n }, (_, i) => i);
  const lines = linesOf(rows, all, writing(rows, all), own);
  const weight = lines.map(({ parts }) => {
    const e = parts[0] as number;
    const inside = ((rows.edges.sizes[e] as number) >> rows.chosen) & 1;
    return Math.abs(rows.edges.score.value[e] ?? 0) * (inside ? 1 : 0.1);
  });
  return barycentres({
    rows: rowNames(rows),
    nodes: { row: rows.nodes.row, label: [], place: null },
    edges: { ...endsOf(lines), weight, label: null },
  });
}

/** By position each has a column; the nodes of a row in a column are spread over it. */
function columnPlaces({ nodes, roles }: CircuitRows): Float32Array {
  const key = (i: number) => `${nodes.row[i]} ${nodes.position[i]} ${isMlp(nodes.name[i] ?? "")}`;
  const cells = new Map<string, number[]>();
  for (let i = 0; i < nodes.name.length; i++) {
    const cell = cells.get(key(i));
    if (cell) cell.push(i);
    else cells.set(key(i), [i]);
  }
  const place = new Float32Array(nodes.name.length);
  for (const cell of cells.values())
    for (const [at, i] of cell.entries())
      place[i] = ((nodes.position[i] ?? 0) + (at + 0.5) / cell.length) / roles.length;
  return place;
}

const isMlp = (name: string): boolean => /\.mlp(@|$)/.test(name);

export function circuitGraph(
  rows: CircuitRows,
  shown: readonly number[],
  places: ArrayLike<number>,
  folded: readonly Group[],
  effects: boolean,
): CircuitGraph {
  const { name, row } = rows.nodes;
  const n = name.length;
  const at = new Map(name.map((each, i) => [each, i]));
  const home = Int32Array.from({ length: n }, (_, i) => i);
  const members = folded.map((group) =>
    group.members.flatMap((member) => at.get(member) ?? []).sort((a, b) => a - b),
  );
  for (const [g, nodes] of members.entries()) for (const node of nodes) home[node] = n + g;
  const has = writing(rows, shown);
  const lines = linesOf(rows, shown, has, home);
  const middle = members.map((nodes) => nodes[Math.floor(nodes.length / 2)] ?? 0);
  const mean = (nodes: number[]) =>
    nodes.reduce((sum, node) => sum + (places[node] as number), 0) / (nodes.length || 1);
  const names = [...name, ...folded.map((group) => group.name)];
  const weight = Float32Array.from(
    lines,
    ({ parts }) => rows.edges.score.value[parts[0] ?? 0] ?? 0,
  );
  const effect = rows.nodes.effect.value;
  const most = Math.max(1e-9, ...Array.from(effect, (e) => Math.abs(e)).filter(Number.isFinite));
  return {
    lines,
    names,
    home,
    has,
    data: {
      rows: rowNames(rows),
      nodes: {
        row: Int32Array.from([...row, ...middle.map((node) => row[node] as number)]),
        label: names.map((each, i) => (i < n ? partName(rows, i) : each)),
        place: Float32Array.from([...Array.from(places), ...members.map(mean)]),
        lag: names.map((each) => (isMlp(each) ? 0.5 : 0)),
        radius: names.map((_, i) => (i < n ? 2.75 : 5)),
        fill: names.map((_, i) =>
          effects && i < n ? (effect[i] ?? Number.NaN) / most : Number.NaN,
        ),
      },
      edges: {
        ...endsOf(lines),
        weight,
        alpha: alphas(weight),
        label: null,
      },
    },
  };
}

/** Of so many lines the weak ones are hardly seen: what is strong stands out. */
const CROWD = 800;

function alphas(weight: Float32Array): Float32Array {
  const most = weight.reduce((all, each) => Math.max(all, Math.abs(each)), 1e-9);
  const crowd = Math.min(1, weight.length / CROWD);
  return weight.map((each) => 1 - crowd * 0.92 * (1 - Math.sqrt(Math.abs(each) / most)));
}

function endsOf(lines: readonly Line[]): { source: Int32Array; target: Int32Array } {
  return {
    source: Int32Array.from(lines, ({ source }) => source),
    target: Int32Array.from(lines, ({ target }) => target),
  };
}

function rowNames({ nodes }: CircuitRows): string[] {
  const last = nodes.row[nodes.row.length - 1] ?? 0;
  return Array.from({ length: last + 1 }, (_, i) =>
    i === 0 ? "in" : i === last ? "out" : String(i - 1),
  );
}
