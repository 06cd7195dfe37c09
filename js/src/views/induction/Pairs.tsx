// Which previous-token head an induction head works with: a graph, and each pair's numbers.
import type { ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { counted, fixed } from "../../draw/number";
import type { Theme } from "../../draw/theme";
import { type EdgeAt, nameOf, sameEdge } from "../../model/address";
import { Graph } from "../../parts/Graph";
import { Table } from "../../parts/Table";
import type { TableColumn } from "../../parts/table-columns";
import type { Sorting } from "../sorting";
import { pairGraph } from "./graph";
import type { Pairs } from "./rows";

export interface PairProps {
  pairs: Pairs;
  edge: EdgeAt | null;
  choose: (edge: EdgeAt) => void;
}

interface TableProps extends PairProps {
  sorting: Sorting;
}

export function PairTable({ pairs, edge, choose, sorting }: TableProps) {
  const { edges } = pairs;
  const columns = useMemo(() => columnsOf(pairs), [pairs]);
  const at = edges.findIndex((known) => sameEdge(known, edge));
  return (
    <Table
      name="pairs"
      title={counted(edges.length, "pair")}
      label="Pairs of a previous-token head and an induction head"
      columns={columns}
      rows={edges.length}
      keyOf={(row) => nameOf(edges[row] as EdgeAt)}
      {...sorting}
      selected={at < 0 ? null : at}
      select={(row) => choose(edges[row] as EdgeAt)}
      fill
    />
  );
}

interface GraphProps extends PairProps {
  theme: ReadonlySignal<Theme>;
}

export function PairGraph({ pairs, edge, choose, theme }: GraphProps) {
  const { edges, path } = pairs;
  const graph = useMemo(() => pairGraph(pairs), [pairs]);
  const at = edges.findIndex((known) => sameEdge(known, edge));
  const pick = (row: number) => choose(edges[row] as EdgeAt);
  return (
    <Graph
      name="pair-graph"
      label="Pairs of heads, earlier layers below."
      data={graph.data}
      theme={theme}
      most={1}
      unit="path"
      signed={false}
      edge={at < 0 ? null : at}
      said={({ kind, at }) =>
        kind === "edge"
          ? `${nameOf(edges[at] as EdgeAt)}: path ${fixed(path[at])}`
          : nameOf(graph.heads[at] ?? [0, 0])
      }
      chooseEdge={pick}
      chooseNode={(node) => pick(graph.pairOf(node))}
    />
  );
}

const Z = "in standard deviations from rotated weights";

function columnsOf(pairs: Pairs): TableColumn[] {
  const { edges, path, low, high, interval, baseline, baselineHigh, share, leastShare } = pairs;
  const z = (name: string, letter: string, values: Float32Array): TableColumn => ({
    kind: "number",
    name,
    label: `${letter} z`,
    about: `${letter}-composition of the two heads' weights, ${Z}`,
    values,
    digits: 1,
  });
  return [
    {
      ...{ kind: "text", name: "pair", label: "pair", values: edges.map(nameOf) },
      about: "A previous-token head, and the induction head that reads its output with its keys.",
    },
    {
      ...{ kind: "number", name: "path", label: "path", values: path, low, high, strong: true },
      about: `How much the induction head's prefix matching falls when only its input from the earlier head, to its keys, is replaced by the mean. The small numbers are the ${interval}, for all pairs together.`,
    },
    {
      ...{ kind: "number", name: "baseline", label: "baseline", values: baseline },
      about:
        "The same with random heads in place of the earlier head: their mean. The small number is the upper bound for one more random head, corrected for the number of pairs.",
      note: (row) =>
        Number.isNaN(baselineHigh[row] as number) ? "" : `to ${fixed(baselineHigh[row])}`,
    },
    {
      ...{ kind: "number", name: "share", label: "share", values: share },
      about: "The path as a share of the induction head's prefix matching.",
    },
    {
      ...{ kind: "flag", name: "confirmed", label: "confirmed", values: pairs.confirmed },
      about: `Whether the interval of the path lies above ${fixed(leastShare)} of the induction head's prefix matching and above the bound for random heads. Point at a “no” to see why.`,
      said: (row) => pairs.whyNot[row] ?? "",
    },
    {
      ...{ kind: "number", name: "percentile", label: "K %", values: pairs.kPercentile, digits: 0 },
      about:
        "K-composition of the two heads' weights: how many of the other earlier heads in a hundred compose less with the same induction head.",
    },
    z("k", "K", pairs.kz),
    z("q", "Q", pairs.qz),
    z("v", "V", pairs.vz),
  ];
}
