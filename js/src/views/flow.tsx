// Information flow: where a prediction comes from, along which routes, and what blocking costs.
import { useMemo } from "preact/hooks";
import { module } from "../hosts/live";
import type { HeadAt } from "../model/address";
import type { Session } from "../model/session";
import { Panel } from "../parts/Frame";
import { Slider } from "../parts/Slider";
import style from "../styles/flow.css";
import { adjusting } from "./adjusting";
import { Paths } from "./flow/Paths";
import { Routes } from "./flow/Routes";
import { type FlowRows, lastHead, readFlow } from "./flow/rows";
import { Sources } from "./flow/Sources";
import { SourceTable } from "./flow/SourceTable";
import { ViewFrame } from "./frame/ViewFrame";
import { Pattern } from "./heads/Pattern";
import { predicted } from "./predicted";
import { sorting } from "./sorting";

const LEAST = { label: "Hide steps below", least: 0.005, most: 0.3, step: 0.005, value: 0.02 };

function Panels({ session, rows }: { session: Session; rows: FlowRows }) {
  const { params, theme } = session;
  const { tokens, prompt, live } = session.text.value;
  const least = adjusting(session, "flow.least", LEAST);
  const chosen = params.number("flow.path").value || 0;
  const path = rows.paths[Math.min(chosen, rows.paths.length - 1)] ?? null;
  const chooseHead = ([layer, head]: HeadAt) => session.select({ layer, head }, "flow");
  const chooseToken = (query: number) => session.select({ query, key: null }, "flow");
  const choosePath = (at: number) => {
    params.set("flow.path", at);
    const head = lastHead(rows.paths[at] ?? null);
    if (head) chooseHead(head);
  };
  const token = session.cell.value.query;
  return (
    <>
      <Panel name="text" label="Sources of the prediction">
        <Sources {...{ rows, tokens, prompt, theme, token, chooseToken }} />
      </Panel>
      <div class="flow-body">
        <Panel name="graph" label="Routes">
          <Slider {...least} digits={3} />
          <Routes {...{ rows, tokens, theme, path, chooseHead, chooseToken }} least={least.value} />
        </Panel>
        <div class="lists">
          <Panel name="paths" label="Strongest paths">
            <Paths
              {...sorting(session, "flow.paths.sort", "-share")}
              {...{ paths: rows.paths, tokens, chosen, choose: choosePath }}
            />
          </Panel>
          <Panel name="sources" label="Sources">
            <SourceTable
              {...sorting(session, "flow.sources.sort", "-knockout")}
              {...{ rows, tokens, token, choose: chooseToken }}
            />
          </Panel>
        </div>
        {live && (
          <Panel name="head" label="The selected head">
            <Pattern
              {...{ session, head: session.head.value, stripe: null }}
              title={rows.nPrompts > 1 ? "on the first prompt" : "attention"}
            />
          </Panel>
        )}
      </div>
    </>
  );
}

/** What is read, in words. */
function heading(rows: FlowRows): string {
  if (rows.nPrompts === 1) return predicted(rows);
  return `the ${rows.measured} after position ${rows.position}, mean of ${rows.nPrompts} prompts`;
}

export function Flow({ session }: { session: Session }) {
  const topic = session.topic.value;
  const { n_layers } = session.text.value;
  const rows = useMemo(
    () => (topic?.kind === "flow" ? readFlow(topic, n_layers) : null),
    [topic, n_layers],
  );
  return (
    <ViewFrame
      session={session}
      name="flow"
      label="Information flow"
      top={rows ? <h3>Sources of {heading(rows)}</h3> : <span />}
    >
      {rows && <Panels session={session} rows={rows} />}
    </ViewFrame>
  );
}

export default module(Flow, style);
