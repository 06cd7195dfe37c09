// Flow between layers: which act on which for a task, above a threshold, in which levels.
import { useMemo } from "preact/hooks";
import { module } from "../hosts/live";
import type { Session } from "../model/session";
import { Panel } from "../parts/Frame";
import beside from "../styles/graph-views.css";
import style from "../styles/layers.css";
import { ViewFrame } from "./frame/ViewFrame";
import { Diagram } from "./layers/Diagram";
import { FlowTable } from "./layers/FlowTable";
import { LayerTable } from "./layers/LayerTable";
import { type LayersRows, readLayers } from "./layers/rows";
import { Selected } from "./layers/Selected";
import { useShown } from "./layers/state";
import { sorting } from "./sorting";

function Panels({ session, rows }: { session: Session; rows: LayersRows }) {
  const { theme } = session;
  const shown = useShown(session, rows);
  const { count, subject, chooseFlow } = shown;
  const above = useMemo(() => Array.from({ length: count }, (_, flow) => flow), [count]);
  const part = subject?.kind === "part" ? subject.part : null;
  const row = part === null ? 0 : (rows.parts.row[part] ?? 0);
  const layer = row > 0 && row <= rows.levelOf.length ? row - 1 : null;
  return (
    <>
      <Panel name="facts-panel" label="What was found">
        <span data-cw="said">{rows.said}</span>
        {rows.levelsSaid && <span data-cw="levels-said">{rows.levelsSaid}</span>}
        <span class="quiet" data-cw="method">
          Strengths: {rows.method}. {rows.agreementSaid}
        </span>
      </Panel>
      <div class="graph-body">
        <Panel name="graph" label="Flow between layers">
          <Diagram {...{ shown, theme }} />
        </Panel>
        <div class="lists">
          <Panel name="flows" label="Flows">
            <FlowTable
              name="flows"
              title="Flows"
              {...{ rows, flows: above, choose: chooseFlow }}
              {...sorting(session, "layers.flows.sort", "")}
              ends="both"
              selected={subject?.kind === "flow" ? subject.flow : null}
              empty="No flow is above the threshold."
              fill
            />
          </Panel>
          <Panel name="profile" label="Layers">
            <LayerTable
              {...{ rows, layer }}
              {...sorting(session, "layers.layers.sort", "layer")}
              choose={(at) => shown.select(`${at}.attn`)}
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

export function Layers({ session }: { session: Session }) {
  const topic = session.topic.value;
  const rows = useMemo(() => (topic?.kind === "layers" ? readLayers(topic) : null), [topic]);
  return (
    <ViewFrame
      session={session}
      name="layers"
      label="Flow between layers"
      top={rows ? <h3>Flow between layers for {rows.task.replaceAll("_", " ")}</h3> : <span />}
    >
      {rows && <Panels session={session} rows={rows} />}
    </ViewFrame>
  );
}

export default module(Layers, beside + style);
