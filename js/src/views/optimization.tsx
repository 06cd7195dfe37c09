// Optimization: what of a model could go, what is too narrow, and what does not work together.
import { useMemo } from "preact/hooks";
import { module } from "../hosts/live";
import type { Session } from "../model/session";
import { Facts } from "../parts/Facts";
import { Panel } from "../parts/Frame";
import style from "../styles/optimization.css";
import { ViewFrame } from "./frame/ViewFrame";
import { HeadCard } from "./heads/HeadCard";
import { HeadPicker } from "./heads/HeadPicker";
import { Pruning } from "./optimization/Pruning";
import { type OptimizationRows, readOptimization } from "./optimization/rows";
import { Suggestions } from "./optimization/Suggestions";
import { usePruning } from "./optimization/state";
import { sorting } from "./sorting";

const SELECTED = "optimization.suggestion";

function Panels({ session, rows }: { session: Session; rows: OptimizationRows }) {
  const { params, theme } = session;
  const { marks, ...pruning } = usePruning(session, rows);
  const choose = (row: number) => {
    params.set(SELECTED, row);
    const head = rows.suggestions[row]?.head;
    if (head) session.select({ layer: head[0], head: head[1] }, "optimization");
  };
  return (
    <div class="optimization-body">
      <Panel name="heads" label="Heads">
        <HeadPicker session={session} fill grid={{ marks, note: "dot: pruned" }} />
      </Panel>
      <Panel name="card" label="The selected head">
        <div class="scroll">
          <HeadCard session={session} />
        </div>
      </Panel>
      <Panel name="pruning" label="A smaller model">
        <Pruning {...{ rows, theme, ...pruning }} />
      </Panel>
      <Panel name="suggestions" label="Suggestions">
        <Facts facts={rows.facts} />
        <Suggestions
          {...{ rows, choose, selected: params.number(SELECTED).value || 0 }}
          {...sorting(session, "optimization.sort", "")}
        />
      </Panel>
    </div>
  );
}

export function Optimization({ session }: { session: Session }) {
  const topic = session.topic.value;
  const rows = useMemo(() => topic && readOptimization(topic), [topic]);
  const task = rows?.task ? ` for ${rows.task.replaceAll("_", " ")}` : "";
  return (
    <ViewFrame
      session={session}
      name="optimization"
      label="Optimization"
      top={rows ? <h3>What could be changed{task}</h3> : <span />}
    >
      {rows && <Panels session={session} rows={rows} />}
    </ViewFrame>
  );
}

export default module(Optimization, style);
