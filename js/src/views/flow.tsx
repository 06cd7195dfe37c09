// Information flow: where a prediction comes from, along which routes, and what blocking costs.
import { useMemo } from "preact/hooks";
import { module } from "../hosts/live";
import type { HeadAt } from "../model/address";
import type { Session } from "../model/session";
import { Foot } from "../panels/foot";
import { Heading, Notice, Progress } from "../panels/top";
import { Slider } from "../parts/Slider";
import style from "../styles/flow.css";
import { Paths } from "./flow/Paths";
import { Routes } from "./flow/Routes";
import { lastHead, readFlow } from "./flow/rows";
import { Sources } from "./flow/Sources";
import { SourceTable } from "./flow/SourceTable";
import { Pattern } from "./heads/Pattern";
import { sorting } from "./sorting";

/** Where Python declares no other: steps below are hidden at first. */
const LEAST = 0.02;

export function Flow({ session }: { session: Session }) {
  const { info } = session.topic.value;
  const { tokens, prompt, n_layers, live } = session.text.value;
  const rows = useMemo(
    () => (info?.kind === "flow" ? readFlow(info, n_layers) : null),
    [info, n_layers],
  );
  if (!rows) return null;
  const { params, theme } = session;
  const least = params.number("flow.least").value || LEAST;
  const chosen = params.number("flow.path").value || 0;
  const path = rows.paths[Math.min(chosen, rows.paths.length - 1)] ?? null;
  const chooseHead = ([layer, head]: HeadAt) => session.select({ layer, head }, "flow");
  const chooseToken = (query: number) => session.select({ query, key: null }, "flow");
  const token = session.cell.value.query;
  return (
    <>
      <Sources {...{ rows, tokens, prompt, theme, token, chooseToken }} />
      <div class="flow-body">
        <section class="flow-graph" aria-label="Routes">
          <Slider
            {...{ name: "least", label: "Hide steps below", least: 0.005, most: 0.3, step: 0.005 }}
            value={least}
            digits={3}
            set={(value) => params.set("flow.least", value)}
          />
          <Routes {...{ rows, tokens, theme, least, path, chooseHead, chooseToken }} />
        </section>
        <section class="flow-lists" aria-label="Paths and sources">
          <Paths
            {...sorting(session, "flow.paths.sort", "-share")}
            paths={rows.paths}
            tokens={tokens}
            chosen={chosen}
            choose={(at) => {
              params.set("flow.path", at);
              const head = lastHead(rows.paths[at] ?? null);
              if (head) chooseHead(head);
            }}
          />
          <SourceTable
            {...sorting(session, "flow.sources.sort", "-route")}
            {...{ sources: rows.sources, tokens, token }}
            choose={chooseToken}
          />
        </section>
        {live && (
          <section class="flow-head" aria-label="The selected head">
            <Pattern session={session} head={session.head.value} title="attention" stripe={null} />
          </section>
        )}
      </div>
    </>
  );
}

function View({ session }: { session: Session }) {
  return (
    <div class="root" tabIndex={0} role="group" aria-label="Information flow">
      <header>
        <Heading session={session} />
        <span />
        <Progress session={session} />
        <Notice session={session} />
      </header>
      <Flow session={session} />
      <Foot session={session} />
    </div>
  );
}

export default module(View, style);
