// Influence: what a prediction depends on, token by token.
import { useEffect, useMemo } from "preact/hooks";
import { module } from "../hosts/live";
import type { Session } from "../model/session";
import { Panel } from "../parts/Frame";
import style from "../styles/influence.css";
import { ViewFrame } from "./frame/ViewFrame";
import { Effects } from "./influence/Effects";
import { Pairs } from "./influence/Pairs";
import { Prompts } from "./influence/Prompts";
import { type InfluenceRows, readInfluence } from "./influence/rows";
import { Written } from "./influence/Written";
import { predicted } from "./predicted";

/** Keys that mean something where there are no heads. */
const KEYS = ["token.", "help", "back"];

function Panels({ session, rows }: { session: Session; rows: InfluenceRows }) {
  const { params, theme } = session;
  const { tokens, prompt } = session.text.value;
  const token = session.cell.value.query;
  const measure = params.choice("influence.measure").value;
  const effect = rows.effects.find(({ name }) => name === measure) ?? rows.effects[0];
  const byPrompt = rows.several && effect && (
    <Panel name="prompts" label="Each prompt">
      <Prompts {...{ rows, several: rows.several, effect, tokens, theme }} />
    </Panel>
  );
  const chooseToken = (query: number) => session.select({ query, key: null }, "influence");
  return (
    <div class={rows.pairs || byPrompt ? "influence-body two-sided" : "influence-body"}>
      <div class="side">
        <Panel name="text" label="Influence of each token">
          <Effects
            {...{ rows, tokens, prompt, theme, token, chooseToken }}
            measure={measure}
            chooseMeasure={(name) => params.set("influence.measure", name)}
          />
        </Panel>
        {rows.written.position.length > 0 && (
          <Panel name="written" label="What the model wrote">
            <Written {...{ written: rows.written, tokens, token }} choose={chooseToken} />
          </Panel>
        )}
        {rows.pairs && byPrompt}
      </div>
      {rows.pairs ? (
        <Panel name="pairs" label="All pairs of tokens">
          <Pairs {...{ rows, pairs: rows.pairs, tokens, theme }} />
        </Panel>
      ) : (
        byPrompt
      )}
    </div>
  );
}

export function Influence({ session }: { session: Session }) {
  const topic = session.topic.value;
  const rows = useMemo(() => (topic?.kind === "influence" ? readInfluence(topic) : null), [topic]);
  useEffect(() => session.commands.limit(KEYS), [session]);
  return (
    <ViewFrame
      session={session}
      name="influence"
      label="Influence"
      top={rows ? <h3>Influence on {predicted(rows)}</h3> : <span />}
    >
      {rows && <Panels session={session} rows={rows} />}
    </ViewFrame>
  );
}

export default module(Influence, style);
