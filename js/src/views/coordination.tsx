// Coordination: which heads work together, beyond chance, and how.
import { useMemo } from "preact/hooks";
import { module } from "../hosts/live";
import type { EdgeAt, HeadAt } from "../model/address";
import type { Session } from "../model/session";
import { Panel } from "../parts/Frame";
import style from "../styles/coordination.css";
import { adjusting } from "./adjusting";
import { Matrix } from "./coordination/Matrix";
import { PairTable } from "./coordination/PairTable";
import { type CoordinationRows, readCoordination, strongest } from "./coordination/rows";
import { Significant } from "./coordination/Significant";
import { ViewFrame } from "./frame/ViewFrame";
import { Pattern } from "./heads/Pattern";
import { sorting } from "./sorting";

const LEAST = { label: "Hide pairs below", least: 0, most: 1, step: 0.05, value: 0 };

function Panels({ session, rows }: { session: Session; rows: CoordinationRows }) {
  const { theme, selection } = session;
  const edge = selection.edge.value.value ?? strongest(rows);
  const chooseHead = ([layer, head]: HeadAt) => session.select({ layer, head }, "coordination");
  const choose = (edge: EdgeAt) => {
    selection.setEdge(edge, "coordination");
    chooseHead(edge.sender);
  };
  return (
    <div class="coordination-body">
      <Panel name="matrix" label="Matrix of heads">
        <Matrix {...{ rows, theme, edge, choose }} />
      </Panel>
      <Panel name="graph" label="Significant pairs">
        <Significant
          {...{ rows, theme, edge, choose, chooseHead }}
          head={session.head.value}
          least={adjusting(session, "coordination.least", LEAST)}
        />
      </Panel>
      <div class="side">
        <Panel name="pairs" label="Tested pairs">
          <PairTable
            {...rows}
            {...sorting(session, "coordination.pairs.sort", "")}
            {...{ edge, choose }}
          />
        </Panel>
        {edge !== null && session.text.value.tokens.length > 0 && (
          <Panel name="patterns" label="Attention of both heads on the first prompt">
            {[edge.sender, edge.receiver].map((head, end) => (
              <Pattern
                key={end === 0 ? "sender" : "receiver"}
                {...{ session, head, stripe: null }}
                title="attention, first prompt"
              />
            ))}
          </Panel>
        )}
      </div>
    </div>
  );
}

function Coordination({ session }: { session: Session }) {
  const topic = session.topic.value;
  const rows = useMemo(
    () => (topic?.kind === "coordination" ? readCoordination(topic) : null),
    [topic],
  );
  return (
    <ViewFrame session={session} name="coordination" label="Coordination">
      {rows && <Panels session={session} rows={rows} />}
    </ViewFrame>
  );
}

export default module(Coordination, style);
