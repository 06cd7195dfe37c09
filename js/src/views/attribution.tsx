// Attribution: what every part adds to a logit, or what is lost without heads.
import { useMemo } from "preact/hooks";
import { module } from "../hosts/live";
import type { Session } from "../model/session";
import { Facts } from "../parts/Facts";
import { Panel } from "../parts/Frame";
import style from "../styles/attribution.css";
import { Parts } from "./attribution/Parts";
import { readAttribution } from "./attribution/rows";
import { ViewFrame } from "./frame/ViewFrame";
import { HeadCard } from "./heads/HeadCard";
import { HeadPicker } from "./heads/HeadPicker";
import { Pattern } from "./heads/Pattern";
import { sorting } from "./sorting";

const SET = "The heads were ablated together, as one set: no head has a number of its own.";

export function Attribution({ session }: { session: Session }) {
  const topic = session.topic.value;
  const rows = useMemo(() => topic && readAttribution(topic), [topic]);
  const { tokens, live } = session.text.value;
  // Before there is a result nobody knows.
  const scored = rows === null || session.planes.value.length > 0;
  return (
    <ViewFrame
      session={session}
      name="attribution"
      label="Attribution"
      top={rows ? <h3>{rows.heading}</h3> : <span />}
    >
      <div class="attribution-body">
        <Panel name="heads" label="Heads">
          {scored ? <HeadPicker session={session} fill /> : <p class="quiet">{SET}</p>}
        </Panel>
        <Panel name="card" label="The selected head">
          <div class="scroll" tabIndex={0} role="group">
            {rows && <Facts facts={rows.facts} />}
            {scored && <HeadCard session={session} />}
          </div>
        </Panel>
        <Panel name="pattern" label="The selected head's attention">
          {tokens.length > 0 && live && (
            <Pattern
              session={session}
              head={session.head.value}
              title={rows && rows.nPrompts > 1 ? "on the first prompt" : "attention"}
              stripe={null}
              fill
            />
          )}
        </Panel>
        <Panel name="parts" label="All parts">
          {rows && (
            <Parts
              rows={rows}
              selected={session.head.value}
              choose={([layer, head]) => session.select({ layer, head }, "attribution")}
              {...sorting(session, "attribution.parts.sort", "")}
            />
          )}
        </Panel>
      </div>
    </ViewFrame>
  );
}

export default module(Attribution, style);
