// The circuit of one member as a layered graph, drawn beside another's in the same places.
import { barycentres, type GraphData } from "../../draw/graph-layout";
import { fixed, interval } from "../../draw/number";
import { type Graph, type Members, readerName } from "./members";

export interface Drawn {
  data: GraphData;
  /** The edges of the graph that a line stands for, the strongest first. */
  parts: number[][];
}

/** How much of a line is seen that the other circuit does not have. */
const ALONE = 0.4;

/** Places that every circuit of a graph shares, so that two of them can be compared by eye. */
export function placesOf(graph: Graph): Float32Array {
  const all = Array.from(graph.edges.source, (_, e) => e);
  const lines = linesOf(graph, all);
  return barycentres({
    rows: rowNames(graph),
    nodes: { row: graph.nodes.row, label: [], place: null },
    edges: {
      source: lines.map(({ source }) => source),
      target: lines.map(({ target }) => target),
      weight: lines.map(({ parts }) => strongest(graph, parts[0] ?? 0)),
      label: null,
    },
  });
}

/** `other`: whose circuit it is compared with; a line that is not in it is faint. */
export function drawnCircuit(
  { graphs, graph: which, edges: sizes }: Members,
  member: number,
  other: number,
  places: Float32Array,
): Drawn | null {
  const graph = graphs[which[member] ?? 0];
  if (!graph) return null;
  const { score, kept, nodes } = graph;
  const size = (e: number) => Math.abs(score.at(e, member));
  const inside = Array.from(graph.edges.source, (_, e) => e)
    .filter((e) => kept.at(e, member) === 1)
    .sort((a, b) => size(b) - size(a));
  const lines = linesOf(graph, inside);
  // Where there is nothing to compare with, nothing is faint.
  const same = which[member] === which[other] && member !== other && (sizes[other] ?? 0) > 0;
  const shared = (parts: number[]) => parts.some((e) => kept.at(e, other) === 1);
  return {
    parts: lines.map(({ parts }) => parts),
    data: {
      rows: rowNames(graph),
      nodes: {
        row: nodes.row,
        label: nodes.name,
        place: places,
        lag: nodes.name.map((each) => (each.endsWith(".mlp") ? 0.5 : 0)),
      },
      edges: {
        source: Int32Array.from(lines, ({ source }) => source),
        target: Int32Array.from(lines, ({ target }) => target),
        weight: Float32Array.from(lines, ({ parts }) => score.at(parts[0] ?? 0, member)),
        alpha: Float32Array.from(lines, ({ parts }) => (!same || shared(parts) ? 1 : ALONE)),
        label: null,
      },
    },
  };
}

/** "0.1 → 1.2 by k: 3.10 (2.42 to 3.77); also in step 833's circuit" */
export function lineSaid(
  members: Members,
  member: number,
  other: number,
  parts: readonly number[],
): string {
  const graph = members.graphs[members.graph[member] ?? 0];
  if (!graph) return "";
  const same = members.graph[member] === members.graph[other] && member !== other;
  return parts
    .map((e) => {
      const by = graph.edges.by[e] ?? "";
      const name = `${graph.nodes.name[graph.edges.source[e] ?? 0]} → ${readerName(graph, e)}`;
      const span = interval(graph.low?.at(e, member), graph.high?.at(e, member));
      const there = graph.kept.at(e, other) === 1 ? "in both" : "in this circuit only";
      const value = `${fixed(graph.score.at(e, member))}${span && ` (${span})`}`;
      return `${name}${by.length === 1 ? ` by ${by}` : ""}: ${value}${same ? `, ${there}` : ""}`;
    })
    .join("; ");
}

interface Line {
  source: number;
  target: number;
  parts: number[];
}

/** All edges from one node to another are one line. */
function linesOf({ edges, nodes }: Graph, shown: readonly number[]): Line[] {
  const found = new Map<number, Line>();
  const n = nodes.name.length;
  for (const e of shown) {
    const source = edges.source[e] as number;
    for (let i = 0; i < (edges.shared[e] as number); i++) {
      const target = (edges.target[e] as number) + i;
      const line = found.get(source * n + target);
      if (line) line.parts.push(e);
      else found.set(source * n + target, { source, target, parts: [e] });
    }
  }
  return [...found.values()];
}

function strongest({ score }: Graph, e: number): number {
  const { n } = score.info.cols;
  let most = 0;
  for (let member = 0; member < n; member++)
    most = Math.max(most, Math.abs(score.at(e, member)) || 0);
  return most;
}

function rowNames({ nodes }: Graph): string[] {
  const last = nodes.row[nodes.row.length - 1] ?? 0;
  return Array.from({ length: last + 1 }, (_, i) =>
    i === 0 ? "in" : i === last ? "out" : String(i - 1),
  );
}
