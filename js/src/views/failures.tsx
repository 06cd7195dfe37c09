// The failure browser: failing cases, the parts that are out of line in each, and what helps.
import { useMemo } from "preact/hooks";
import { module } from "../hosts/live";
import type { Session } from "../model/session";
import { Panel } from "../parts/Frame";
import style from "../styles/failures.css";
import { AddCase } from "./failures/AddCase";
import { Anomalies } from "./failures/Anomalies";
import { Case } from "./failures/Case";
import { Cases } from "./failures/Cases";
import { Part } from "./failures/Part";
import { Patterns } from "./failures/Patterns";
import { type FailureRows, readFailures } from "./failures/rows";
import { useShown } from "./failures/state";
import { headingOf } from "./failures/words";
import { ViewFrame } from "./frame/ViewFrame";

function Panels({ session, rows }: { session: Session; rows: FailureRows }) {
  const shown = useShown(session, rows);
  const layers = `--cw-layers: ${session.text.value.n_layers}`;
  return (
    <div class="failures-body">
      <Panel name="cases" label="Failing cases">
        <Cases session={session} shown={shown} />
        <AddCase session={session} shown={shown} />
      </Panel>
      <div class="column" style={layers}>
        <Panel name="case" label="The selected case">
          <Case shown={shown} />
        </Panel>
        <Panel name="anomalies" label="Heads and MLPs that are out of line">
          <Anomalies session={session} shown={shown} />
        </Panel>
      </div>
      <div class="column">
        <Panel name="part" label="The selected head or MLP">
          <Part session={session} shown={shown} />
        </Panel>
        <Panel name="patterns" label="Attention, failing and healthy">
          <Patterns session={session} shown={shown} />
        </Panel>
      </div>
    </div>
  );
}

export function Failures({ session }: { session: Session }) {
  const topic = session.topic.value;
  const rows = useMemo(() => (topic?.kind === "failures" ? readFailures(topic) : null), [topic]);
  return (
    <ViewFrame
      session={session}
      name="failures"
      label="Failures"
      top={rows ? <h3>{headingOf(rows)}</h3> : <span />}
    >
      {rows && <Panels session={session} rows={rows} />}
    </ViewFrame>
  );
}

export default module(Failures, style);
