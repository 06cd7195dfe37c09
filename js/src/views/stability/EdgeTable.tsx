// The edges in the circuits of two members: those that both have, and those of one alone.
import { useMemo } from "preact/hooks";
import { Table } from "../../parts/Table";
import type { TableColumn } from "../../parts/table-columns";
import type { Sorting } from "../sorting";
import { countsOf, edgesOfPair, type Members, type PairEdge, sameGraph } from "./members";

/** So many rows: of more edges, the strongest. */
const MOST_ROWS = 100;

interface Props extends Sorting {
  members: Members;
  pair: readonly [a: number, b: number];
  names: readonly [string, string];
  /** What stands before a name: "in", or "at" a step. */
  where: string;
}

export function EdgeTable({ members, pair: [a, b], names, where, sort, setSort }: Props) {
  const [one, other] = names;
  const edges = useMemo(() => edgesOfPair(members, a, b), [members, a, b]);
  const columns = useMemo(
    () => columnsOf(edges.slice(0, MOST_ROWS), [one, other], members.interval),
    [edges, one, other, members.interval],
  );
  const counts = countsOf(edges);
  const alone = [`${counts.a} ${where} ${one} alone`, `${counts.b} ${where} ${other} alone`];
  const more = edges.length > MOST_ROWS ? `, the ${MOST_ROWS} strongest` : "";
  // Of large circuits only the strongest edges are here: the counts are of these.
  const all = members.edges;
  const some = counts.both + counts.a < (all[a] ?? 0) || counts.both + counts.b < (all[b] ?? 0);
  const of = some ? `of the ${edges.length} strongest ` : "";
  const said = sameGraph(members, a, b)
    ? [`${of}${counts.both} in both`, ...(a === b ? [] : alone)].join(", ")
    : "models of other shapes: their edges are not the same";
  return (
    <Table
      name="edges"
      title={`Edges: ${said}`}
      {...{ columns, sort, setSort, rows: Math.min(edges.length, MOST_ROWS) }}
      order={`by size of score${more}`}
      keyOf={(row) => edges[row]?.key ?? row}
      empty="Neither has a circuit."
      fill
    />
  );
}

function columnsOf(
  edges: readonly PairEdge[],
  names: readonly [string, string],
  interval: string,
): TableColumn[] {
  return [
    {
      ...{ kind: "text", name: "edge", label: "edge" },
      values: edges.map(({ from, to, by }) => `${from} → ${to}${by && ` ${by}`}`),
      about:
        "q, k or v: by what a head reads it. Heads that share a key or value read it as one: 7.0-2 are heads 0 to 2 of layer 7.",
    },
    ...names.map((name, at): TableColumn => {
      const side = edges.map(({ sides }) => sides[at]);
      return {
        ...{ kind: "number", name: `score${at}`, label: name },
        about: `What the metric loses without the edge in ${name}, mean over prompts with its ${interval}; dark: in the circuit.`,
        values: side.map((each) => each?.value ?? null),
        low: side.map((each) => each?.low ?? null),
        high: side.map((each) => each?.high ?? null),
        strong: (row) => side[row]?.kept ?? false,
      };
    }),
    {
      ...{ kind: "text", name: "in", label: "in" },
      about: "In which of the two circuits the edge is.",
      values: edges.map(({ sides }) => whose(sides[0]?.kept, sides[1]?.kept, names)),
    },
  ];
}

function whose(a = false, b = false, names: readonly [string, string]): string {
  return a && b ? "both" : a ? names[0] : names[1];
}
