// The graph of a circuit, its size, and the groups of nodes that are one while folded.
import type { ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { GraphItem } from "../../draw/graph-find";
import { drawLit } from "../../draw/graph-lit";
import type { Theme } from "../../draw/theme";
import { Graph } from "../../parts/Graph";
import { Slider } from "../../parts/Slider";
import { Groups } from "./Groups";
import type { CircuitRows } from "./rows";
import type { Shown } from "./state";
import { lineSaid, nodeSaid, shareSaid, sizeSaid } from "./words";

interface Props {
  shown: Shown;
  theme: ReadonlySignal<Theme>;
}

/** The position of one node. */
function columnOf({ nodes }: CircuitRows, members: readonly number[]): number | null {
  const [one, more] = members;
  return one === undefined || more !== undefined ? null : (nodes.position[one] ?? null);
}

export function Circuit({ shown, theme }: Props) {
  const { rows, graph, size, subject, word, effects, picked, edges, all } = shown;
  const most = useMemo(
    () => rows.edges.score.value.reduce((all, score) => Math.max(all, Math.abs(score)), 0),
    [rows],
  );
  const rings = useMemo(
    () => picked.map((name) => graph.names.indexOf(name)).filter((node) => node >= 0),
    [picked, graph],
  );
  const said = ({ kind, at }: GraphItem) =>
    kind === "edge" ? lineSaid(rows, graph, at) : nodeSaid(rows, graph, at);
  return (
    <>
      <div class="toolbar">
        <Slider
          {...shown.slider}
          said="Size of the circuit"
          shown={`${sizeSaid(rows, size)} (${shareSaid(rows, size)})`}
        />
        <span class="quiet" data-cw="drawn">
          {[
            size === rows.chosen && (rows.note || "the chosen circuit"),
            all > edges.length && `drawn: the ${edges.length.toLocaleString("en")} strongest`,
          ]
            .filter(Boolean)
            .join("; ")}
        </span>
      </div>
      <Groups {...shown} />
      <Graph
        name="circuit"
        label={`The circuit, from the embedding (below) through the layers to the logits (above)${rows.roles.length > 0 ? ", a column a position" : ""}. Shift and Enter pick a node for a group.`}
        columns={rows.roles.length > 0 ? rows.roles : null}
        column={subject?.kind === "nodes" ? columnOf(rows, subject.members) : null}
        {...{ data: graph.data, theme, most, said }}
        unit={`score: ${rows.meaning}${effects ? "; colour of a node: what faithfulness loses without it" : ""}`}
        signed
        lit={drawLit}
        picked={rings}
        node={word !== "" && subject?.kind === "nodes" ? subject.drawn : null}
        edge={subject?.kind === "line" ? subject.line : null}
        chooseEdge={shown.chooseLine}
        chooseNode={shown.chooseNode}
        chooseNothing={() => shown.select("")}
      />
    </>
  );
}
