// The circuits of two members side by side, in the same places and on one scale.
import type { ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { drawLit } from "../../draw/graph-lit";
import type { Theme } from "../../draw/theme";
import type { HeadAt } from "../../model/address";
import { Graph } from "../../parts/Graph";
import { drawnCircuit, lineSaid, placesOf } from "./graph";
import type { Members } from "./members";

interface Props {
  members: Members;
  theme: ReadonlySignal<Theme>;
  pair: readonly [a: number, b: number];
  /** What each of them is called. */
  names: readonly [string, string];
  head: HeadAt | null;
  chooseHead: (head: HeadAt) => void;
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

function Side({ members, theme, name, at, other, title, head, chooseHead }: SideProps) {
  const graph = members.graphs[members.graph[at] ?? 0];
  const places = useMemo(() => (graph ? placesOf(graph) : new Float32Array()), [graph]);
  const drawn = useMemo(
    () => drawnCircuit(members, at, other, places),
    [members, at, other, places],
  );
  if (!graph || !drawn) return null;
  const { heads } = { heads: graph.nodes.head };
  const node = head ? heads.findIndex((each) => each?.[0] === head[0] && each[1] === head[1]) : -1;
  const lines = drawn.parts.length;
  return (
    <section class="side" aria-label={title}>
      <h3 data-cw={`${name}-title`}>
        {title}{" "}
        <span class="quiet">
          {members.edges[at] ? `${members.edges[at]} edges` : whyNone(members.done[at] ?? -1)}
        </span>
      </h3>
      <Graph
        name={`circuit-${name}`}
        label={`The circuit of ${title}, from the embedding (below) to the logits (above).`}
        {...{ data: drawn.data, theme, most: graph.most }}
        unit="what the metric loses without the edge; faint: not in the other circuit"
        signed
        lit={drawLit}
        node={node >= 0 && lines > 0 ? node : null}
        said={({ kind, at: item }) =>
          kind === "edge"
            ? lineSaid(members, at, other, drawn.parts[item] ?? [])
            : (graph.nodes.name[item] ?? "")
        }
        chooseNode={(item) => {
          const found = heads[item];
          if (found) chooseHead(found);
        }}
      />
    </section>
  );
}

const whyNone = (done: number): string =>
  done < 0 ? "not reached yet" : "no circuit: it fails the task";
