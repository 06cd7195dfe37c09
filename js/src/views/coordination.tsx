// Coordination: which heads work together, beyond chance, and how.
import { useMemo } from "preact/hooks";
import { module } from "../hosts/live";
import type { EdgeAt, HeadAt } from "../model/address";
import type { Session } from "../model/session";
import { Foot } from "../panels/foot";
import { Heading, Notice, Progress } from "../panels/top";
import style from "../styles/coordination.css";
import { Matrix } from "./coordination/Matrix";
import { PairTable } from "./coordination/PairTable";
import { readCoordination } from "./coordination/rows";
import { Significant } from "./coordination/Significant";
import { Pattern } from "./heads/Pattern";
import { sorting } from "./sorting";

function Coordination({ session }: { session: Session }) {
  const { info, data } = session.topic.value;
  const rows = useMemo(
    () => (info?.kind === "coordination" ? readCoordination(info, data) : null),
    [info, data],
  );
  if (!rows) return null;
  const { theme, selection, params } = session;
  const first = rows.pairs[0];
  const edge =
    selection.edge.value.value ?? (first ? { sender: first.a, receiver: first.b } : null);
  const choose = (edge: EdgeAt) => {
    selection.setEdge(edge, "coordination");
    chooseHead(edge.sender);
  };
  const chooseHead = ([layer, head]: HeadAt) => session.select({ layer, head }, "coordination");
  const patterns = edge !== null && session.text.value.tokens.length > 0;
  return (
    <div class="coordination">
      <Matrix {...{ rows, theme, edge, choose }} />
      <Significant
        {...{ rows, theme, edge, choose, chooseHead }}
        head={session.head.value}
        least={params.number("coordination.least").value || 0}
        setLeast={(value) => params.set("coordination.least", value)}
      />
      <div class="coordination-side">
        <PairTable
          {...rows}
          {...sorting(session, "coordination.pairs.sort", "")}
          {...{ edge, choose }}
        />
        {patterns && (
          <section
            class="coordination-patterns"
            aria-label="Attention of both heads on the first prompt"
          >
            <Pattern
              session={session}
              head={edge.sender}
              title="attention, first prompt"
              stripe={null}
            />
            <Pattern
              session={session}
              head={edge.receiver}
              title="attention, first prompt"
              stripe={null}
            />
          </section>
        )}
      </div>
    </div>
  );
}

function View({ session }: { session: Session }) {
  const { prompt } = session.text.value;
  return (
    <div class="root" tabIndex={0} role="group" aria-label="Coordination">
      <header>
        <Heading session={session} />
        <p class="quiet probe" data-cw="probe" title={prompt}>
          {prompt || "\u00a0"}
        </p>
        <Progress session={session} />
        <Notice session={session} />
      </header>
      <Coordination session={session} />
      <Foot session={session} />
    </div>
  );
}

export default module(View, style);
