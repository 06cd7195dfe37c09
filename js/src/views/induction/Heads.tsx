// Heads by their induction scores, and the pairs that they work in.
import type { EdgeAt } from "../../model/address";
import type { Session } from "../../model/session";
import { Facts } from "../../parts/Facts";
import { Panel } from "../../parts/Frame";
import { HeadCard } from "../heads/HeadCard";
import { HeadPicker } from "../heads/HeadPicker";
import { HeadScatter } from "../heads/HeadScatter";
import { Ranking } from "../heads/Ranking";
import { sorting } from "../sorting";
import { Patterns } from "./PairPatterns";
import { PairGraph, PairTable } from "./Pairs";
import { highest, type InductionRows } from "./rows";

/** So many rows leave room below them. */
const FEW_LAYERS = 12;

interface Props {
  session: Session;
  /** Null: there is no result yet. */
  rows: InductionRows | null;
}

export function Heads({ session, rows }: Props) {
  const tall = session.text.value.n_layers > FEW_LAYERS;
  return (
    <div class={tall ? "induction-heads tall" : "induction-heads"}>
      <Panel name="heads" label="Heads">
        <HeadPicker session={session} fill />
      </Panel>
      <Panel name="card" label="The selected head's scores">
        <div class="scroll" tabIndex={0} role="group">
          <HeadCard session={session} />
        </div>
      </Panel>
      <Panel name="ranking" label="Highest heads">
        <Ranking session={session} />
      </Panel>
      <Panel name="scatter-panel" label="Heads by two scores">
        <HeadScatter session={session} x="previous_token" y="prefix_matching" />
      </Panel>
      {rows && <Work session={session} rows={rows} />}
    </div>
  );
}

function Work({ session, rows }: { session: Session; rows: InductionRows }) {
  const { pairs } = rows;
  const edge = session.selection.edge.value.value ?? bestOf(pairs);
  const choose = (edge: EdgeAt) => {
    session.selection.setEdge(edge, "pairs");
    const [layer, head] = edge.receiver;
    session.select({ layer, head }, "pairs");
  };
  const some = pairs !== null && pairs.edges.length > 0;
  return (
    <div class="work">
      {rows.facts.length > 0 && (
        <Panel name="facts-panel" label="The model as a whole">
          <Facts facts={rows.facts} />
        </Panel>
      )}
      <Panel name="pairs" label="Pairs">
        {some ? (
          <PairTable
            {...{ pairs, edge, choose }}
            sorting={sorting(session, "pairs.sort", "-path")}
          />
        ) : (
          <p class="quiet" data-cw="no-pairs">
            {pairs === null
              ? "The pairs of heads are not computed yet."
              : "There is no pair: no previous-token head comes before an induction head."}
          </p>
        )}
      </Panel>
      <Panel name="patterns" label="Attention of the pair on the probe">
        {some && <PairGraph {...{ pairs, edge, choose }} theme={session.theme} />}
        {session.text.value.tokens.length > 0 && (
          <Patterns session={session} rows={rows} edge={edge} />
        )}
      </Panel>
    </div>
  );
}

function bestOf(pairs: InductionRows["pairs"]): EdgeAt | null {
  return pairs?.edges[highest(pairs.path)] ?? pairs?.edges[0] ?? null;
}
