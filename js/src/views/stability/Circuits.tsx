// The circuits of two members side by side, in the same places and on one scale.
import type { ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { grouped } from "../../draw/curves";
import { drawLit } from "../../draw/graph-lit";
import type { Theme } from "../../draw/theme";
import { Graph } from "../../parts/Graph";
import { drawnCircuit, lineSaid, placesOf } from "./graph";
import { edgesIn, type Members } from "./members";

interface Props {
  members: Members;
  theme: ReadonlySignal<Theme>;
  pair: readonly [a: number, b: number];
  /** What each of them is called. */
  names: readonly [string, string];
  /** What is selected in both, by its name; "": nothing. */
  part: string;
  choosePart: (name: string) => void;
}

export function Circuits(props: Props) {
  const [a, b] = props.pair;
  return (
    <div class="beside">
      <Side {...props} name="one" at={a} other={b} title={props.names[0]} />
      <Side {...props} name="other" at={b} other={a} title={props.names[1]} />
    </div>
  );
}

interface SideProps extends Props {
  name: string;
  at: number;
  other: number;
  title: string;
}

function Side({ members, theme, name, at, other, title, part, choosePart }: SideProps) {
  const graph = members.graphs[members.graph[at] ?? 0];
  const places = useMemo(() => (graph ? placesOf(graph) : new Float32Array()), [graph]);
  const drawn = useMemo(
    () => drawnCircuit(members, at, other, places),
    [members, at, other, places],
  );
  if (!graph || !drawn) return null;
  const { name: parts } = graph.nodes;
  const node = parts.indexOf(part);
  const [n, sent] = [members.edges[at] ?? 0, edgesIn(graph, at)];
  return (
    <section class="side" aria-label={title}>
      <h3 data-cw={`${name}-title`}>
        {title}{" "}
        <span class="quiet" title={members.done[at] === 0 ? "It fails the task." : undefined}>
          {n
            ? `${grouped(n)} edges${sent < n ? `, drawn: ${sent}` : ""}`
            : whyNone(members.done[at] ?? -1)}
        </span>
      </h3>
      <Graph
        name={`circuit-${name}`}
        label={`The circuit of ${title}, from the embedding (below) to the logits (above).`}
        {...{ data: drawn.data, theme, most: graph.most }}
        unit="what the metric loses without it; faint: in one of both only"
        signed
        lit={drawLit}
        node={node < 0 ? null : node}
        said={({ kind, at: item }) =>
          kind === "edge"
            ? lineSaid(members, at, other, drawn.parts[item] ?? [])
            : (parts[item] ?? "")
        }
        chooseNode={(item) => choosePart(parts[item] ?? "")}
        chooseNothing={() => choosePart("")}
      />
    </section>
  );
}

const whyNone = (done: number): string => (done < 0 ? "not reached yet" : "no circuit");
