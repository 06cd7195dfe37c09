// The significant pairs as a graph: heads by layer, a line a pair.
import type { ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { GraphItem } from "../../draw/graph-find";
import { counted, exact, fixed } from "../../draw/number";
import type { Theme } from "../../draw/theme";
import { type EdgeAt, type HeadAt, nameOf, sameHead } from "../../model/address";
import { Graph } from "../../parts/Graph";
import { Slider } from "../../parts/Slider";
import type { Adjusting } from "../adjusting";
import { MOST_EDGES, pairGraph } from "./graph";
import type { CoordinationRows } from "./rows";

interface Props {
  rows: CoordinationRows;
  theme: ReadonlySignal<Theme>;
  /** Pairs below are hidden, by |value|. */
  least: Adjusting;
  edge: EdgeAt | null;
  head: HeadAt;
  choose: (edge: EdgeAt) => void;
  chooseHead: (head: HeadAt) => void;
}

export function Significant(props: Props) {
  const { rows, theme, least, edge, head, choose, chooseHead } = props;
  const graph = useMemo(() => pairGraph(rows), [rows]);
  const { heads, ends, significant } = graph;
  const headOf = (row: number | undefined): HeadAt => rows.heads[row ?? 0] ?? [0, 0];
  const at = edge
    ? ends.findIndex(
        ([i, j]) =>
          (sameHead(headOf(i), edge.sender) && sameHead(headOf(j), edge.receiver)) ||
          (sameHead(headOf(j), edge.sender) && sameHead(headOf(i), edge.receiver)),
      )
    : -1;
  const node = heads.findIndex((row) => sameHead(headOf(row), head));
  const said = ({ kind, at }: GraphItem): string => {
    if (kind === "node") {
      const own = ends.filter((pair) => pair.includes(heads[at] ?? -1)).length;
      return `${nameOf(headOf(heads[at]))}: ${counted(own, "significant pair")}`;
    }
    const [i, j] = ends[at] ?? [0, 0];
    const cell = i * rows.heads.length + j;
    return `${nameOf(headOf(i))} and ${nameOf(headOf(j))}: ${rows.unit} ${fixed(rows.value[cell])}, q ${exact(rows.q[cell], 3)}`;
  };
  if (significant === 0)
    return (
      <>
        <h3 data-cw="significant">No significant pairs (q &lt; {rows.fdr})</h3>
        {rows.significance.map((sentence) => (
          <p key={sentence} class="quiet">
            {sentence}.
          </p>
        ))}
      </>
    );
  const few = significant > MOST_EDGES ? `; the ${MOST_EDGES} strongest are drawn` : "";
  return (
    <>
      <h3 data-cw="significant">
        {counted(significant, "significant pair")} (q &lt; {rows.fdr})
        <span class="quiet">
          {rows.signed ? "; dashed = negative" : ""}
          {few}
        </span>
      </h3>
      {rows.significance.slice(1).map((sentence) => (
        <p key={sentence} class="quiet">
          {sentence}.
        </p>
      ))}
      <Slider {...least} />
      <Graph
        name="pairs-graph"
        label="Significant pairs of heads, earlier layers below."
        data={graph.data}
        theme={theme}
        most={1}
        least={least.value}
        unit={rows.unit}
        signed={rows.signed}
        edge={at < 0 ? null : at}
        node={node < 0 ? null : node}
        said={said}
        chooseEdge={(e) => {
          const [i, j] = ends[e] ?? [0, 0];
          choose({ sender: headOf(i), receiver: headOf(j) });
        }}
        chooseNode={(i) => chooseHead(headOf(heads[i]))}
      />
    </>
  );
}
