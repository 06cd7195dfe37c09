// Several models: a matrix of all pairs, and two of the models side by side.
import { useEffect } from "preact/hooks";
import type { Session } from "../../model/session";
import { Panel } from "../../parts/Frame";
import { sorting } from "../sorting";
import { EdgeTable } from "./EdgeTable";
import { type ModelsRows, ORDERS, type Order } from "./models-rows";
import { Overlap, Transfer } from "./Overlap";
import { Pair } from "./Pair";
import { Parts, Roles } from "./Parts";

/** A head is another one in each model: there is no text, and nothing to select by keys. */
const KEYS = ["help", "back"];

export function Models({ session, rows }: { session: Session; rows: ModelsRows }) {
  const { params, theme } = session;
  const { name } = rows.members;
  useEffect(() => session.commands.limit(KEYS), [session]);
  const place = (param: string, first: number) => {
    const at = name.indexOf(params.choice(param).value);
    return at < 0 ? first : at;
  };
  const pair = [place("stability.a", 0), place("stability.b", name.length - 1)] as const;
  const choose = (a: number, b: number) => {
    params.set("stability.a", name[a] ?? "");
    params.set("stability.b", name[b] ?? "");
  };
  const wanted = params.choice("stability.by").value as Order;
  const order = ORDERS.includes(wanted) ? wanted : "overlap";
  const setOrder = (order: Order) => params.set("stability.by", order);
  const part = params.choice("stability.part").value;
  const choosePart = (name: string) => params.set("stability.part", name);
  const names = [name[pair[0]] ?? "", name[pair[1]] ?? ""] as const;
  return (
    <div class="stability-body models">
      <div class="matrices">
        <Panel name="overlap" label="How alike the circuits are">
          <Overlap {...{ rows, theme, pair, choose, order, setOrder }} />
        </Panel>
        <Panel name="transfer" label="One model's circuit run in another">
          <Transfer {...{ rows, theme, pair, choose }} />
        </Panel>
      </div>
      <div class="middle">
        <Panel name="pair" label="Two models side by side">
          <Pair {...{ rows, theme, pair, choose, part, choosePart }} />
        </Panel>
        <Panel name="edges" label="Edges of both circuits">
          <EdgeTable
            {...{ members: rows.members, pair, names }}
            where="in"
            {...sorting(session, "stability.edges.sort", "")}
          />
        </Panel>
      </div>
      <div class="lists">
        <Panel name="parts" label="What the circuits have">
          <Parts
            {...{ rows, part, choosePart }}
            {...sorting(session, "stability.parts.sort", "")}
          />
        </Panel>
        <Panel name="roles" label="Roles of the circuits' heads">
          <Roles {...{ rows, theme }} />
        </Panel>
      </div>
    </div>
  );
}
