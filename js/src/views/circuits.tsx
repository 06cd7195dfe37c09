// Circuits: which edges do a task, by how many, and how much of it they do alone.
import { useMemo } from "preact/hooks";
import { module } from "../hosts/live";
import type { Session } from "../model/session";
import { Facts } from "../parts/Facts";
import { Panel } from "../parts/Frame";
import style from "../styles/circuits.css";
import beside from "../styles/graph-views.css";
import { Circuit } from "./circuits/Circuit";
import { EdgeTable } from "./circuits/EdgeTable";
import { Measures } from "./circuits/Measures";
import { type CircuitRows, readCircuit } from "./circuits/rows";
import { Selected } from "./circuits/Selected";
import { useShown } from "./circuits/state";
import { ViewFrame } from "./frame/ViewFrame";
import { sorting } from "./sorting";

function Panels({ session, rows }: { session: Session; rows: CircuitRows }) {
  const { theme } = session;
  const shown = useShown(session, rows);
  const { size, edges, all, graph, subject, slider, chooseEdge } = shown;
  const line = subject?.kind === "line" ? graph.lines[subject.line] : undefined;
  return (
    <>
      <Panel name="facts-panel" label="The task">
        <Facts facts={rows.facts} />
        <span class="quiet" data-cw="prompts">
          {rows.heldOut
            ? `Edges were scored on ${rows.nFound} prompts, circuits run on ${rows.nTested} others.`
            : `Edges were scored and circuits run on the same ${rows.nTested} prompts.`}{" "}
          Scores: {rows.method}.
        </span>
      </Panel>
      <div class="graph-body">
        <Panel name="graph" label="The circuit">
          <Circuit {...{ shown, theme }} />
        </Panel>
        <div class="lists">
          <Panel name="curve" label="How well circuits do">
            <Measures {...{ rows, theme, size }} setSize={slider.set} />
          </Panel>
          <Panel name="edges" label="Edges">
            <EdgeTable
              name="edges"
              title="Edges"
              {...{ rows, edges, all, choose: chooseEdge }}
              {...sorting(session, "circuits.edges.sort", "")}
              ends="both"
              selected={line?.parts[0] ?? null}
              empty="There is no edge."
              fill
            />
          </Panel>
        </div>
        <Panel name="selection" label="What is selected">
          <Selected {...{ session, shown }} />
        </Panel>
      </div>
    </>
  );
}

export function Circuits({ session }: { session: Session }) {
  const topic = session.topic.value;
  const rows = useMemo(() => (topic?.kind === "circuits" ? readCircuit(topic) : null), [topic]);
  return (
    <ViewFrame
      session={session}
      name="circuits"
      label="Circuit"
      top={rows ? <h3>Circuit for {rows.task.replaceAll("_", " ")}</h3> : <span />}
    >
      {rows && <Panels session={session} rows={rows} />}
    </ViewFrame>
  );
}

export default module(Circuits, beside + style);
