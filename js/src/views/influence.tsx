// Influence: what a prediction depends on, token by token.
import { useEffect, useMemo } from "preact/hooks";
import { module } from "../hosts/live";
import type { Session } from "../model/session";
import { Foot } from "../panels/foot";
import { Heading, Notice, Progress } from "../panels/top";
import style from "../styles/influence.css";
import { Effects } from "./influence/Effects";
import { Pairs } from "./influence/Pairs";
import { readInfluence } from "./influence/rows";
import { Written } from "./influence/Written";

function Influence({ session }: { session: Session }) {
  const { info, data } = session.topic.value;
  const { tokens, prompt } = session.text.value;
  const rows = useMemo(
    () => (info?.kind === "influence" ? readInfluence(info, data, tokens.length) : null),
    [info, data, tokens],
  );
  if (!rows) return null;
  const { params, theme } = session;
  const token = session.cell.value.query;
  const chooseToken = (query: number) => session.select({ query, key: null }, "influence");
  const wide = rows.pairs !== null || rows.written.position.length > 0;
  return (
    <div class={wide ? "influence two-sided" : "influence"}>
      <div class="influence-text">
        <Effects
          {...{ rows, tokens, prompt, theme, token, chooseToken }}
          measure={params.choice("influence.measure").value}
          chooseMeasure={(name) => params.set("influence.measure", name)}
        />
        {rows.written.position.length > 0 && (
          <Written {...{ written: rows.written, tokens, token }} choose={chooseToken} />
        )}
      </div>
      {rows.pairs && <Pairs rows={rows} pairs={rows.pairs} tokens={tokens} theme={theme} />}
    </div>
  );
}

/** Keys that mean something where there are no heads. */
const KEYS = ["token.", "help", "back"];

function View({ session }: { session: Session }) {
  useEffect(() => session.commands.limit(KEYS), [session]);
  return (
    <div class="root" tabIndex={0} role="group" aria-label="Influence">
      <header>
        <Heading session={session} />
        <span />
        <Progress session={session} />
        <Notice session={session} />
      </header>
      <Influence session={session} />
      <Foot session={session} />
    </div>
  );
}

export default module(View, style);
