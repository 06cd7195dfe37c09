// Activation patching: what each head, or each place of the stream, does for a task.
import { useMemo } from "preact/hooks";
import { module } from "../hosts/live";
import type { Session } from "../model/session";
import { Facts } from "../parts/Facts";
import { Panel } from "../parts/Frame";
import style from "../styles/patching.css";
import { ViewFrame } from "./frame/ViewFrame";
import { HeadCard } from "./heads/HeadCard";
import { HeadPicker } from "./heads/HeadPicker";
import { Pattern } from "./heads/Pattern";
import { Effects } from "./patching/Effects";
import { PlaceMap } from "./patching/PlaceMap";
import { headingOf, readPatching } from "./patching/rows";
import { sorting } from "./sorting";

export function Patching({ session }: { session: Session }) {
  const topic = session.topic.value;
  const rows = useMemo(() => topic && readPatching(topic), [topic]);
  const { tokens, live } = session.text.value;
  const { params, theme } = session;
  const head = session.head.value;
  const places = rows?.places ?? null;
  const column = places ? session.cell.value.query : head[1];
  const choose = (layer: number, column: number) =>
    session.select(
      places ? { layer, query: column, key: null } : { layer, head: column },
      "patching",
    );
  return (
    <ViewFrame
      session={session}
      name="patching"
      label="Activation patching"
      top={rows ? <h3>{headingOf(rows)}</h3> : <span />}
    >
      <div class={places ? "patching-body by-place" : "patching-body"}>
        <Panel name="map" label={places ? "Layers and positions" : "Heads"}>
          {rows && places ? (
            <PlaceMap
              {...{ rows, places, theme, layer: head[0], column, choose }}
              measure={params.choice("patching.measure").value}
              chooseMeasure={(name) => params.set("patching.measure", name)}
            />
          ) : (
            <HeadPicker session={session} fill />
          )}
        </Panel>
        <Panel name="card" label={places ? "Of the whole model" : "The selected head"}>
          <div class="scroll" tabIndex={0} role="group">
            {rows && <Facts facts={rows.facts} />}
            {!places && <HeadCard session={session} />}
          </div>
        </Panel>
        {!places && (
          <Panel name="pattern" label="The selected head's attention">
            {tokens.length > 0 && live && (
              <Pattern
                session={session}
                head={head}
                title={rows && rows.nPrompts > 1 ? "on the first clean prompt" : "attention"}
                stripe={null}
                fill
              />
            )}
          </Panel>
        )}
        <Panel name="parts" label="Largest effects">
          {rows && (
            <Effects
              {...{ rows, layer: head[0], column, choose }}
              {...sorting(session, "patching.parts.sort", "")}
            />
          )}
        </Panel>
      </div>
    </ViewFrame>
  );
}

export default module(Patching, style);
