// A training: one checkpoint that is scrubbed, and another one beside it.
import { useEffect } from "preact/hooks";
import { grouped } from "../../draw/curves";
import { parseHead } from "../../model/address";
import type { Session } from "../../model/session";
import { Choice } from "../../parts/Choice";
import { Panel } from "../../parts/Frame";
import { sorting } from "../sorting";
import { Circuits } from "./Circuits";
import { Courses } from "./Courses";
import { useSteps } from "./checkpoints";
import { EdgeTable } from "./EdgeTable";
import { Heads, RoleChoice } from "./Heads";
import { Phases } from "./Phases";
import { Roles } from "./Roles";
import { Steps } from "./Steps";
import type { TrainingRows } from "./training-rows";
import { stepSaid } from "./words";

/** Tokens have no use for keys here: the pictures are what they are. */
const KEYS = ["head.", "score.", "checkpoint.", "help", "back"];
const SHOW = [
  { value: "heads", label: "heads" },
  { value: "circuit", label: "circuits" },
] as const;

export function Training({ session, rows }: { session: Session; rows: TrainingRows }) {
  const { params, theme } = session;
  const shown = useSteps(session, rows);
  const { at, other } = shown;
  useEffect(() => session.commands.limit(KEYS), [session]);
  const pair = [at, other] as const;
  const names = [stepSaid(rows, at), stepSaid(rows, other)] as const;
  const short = (i: number) => grouped(rows.steps[i] ?? 0);
  const part = params.choice("stability.part").value;
  const choosePart = (name: string) => {
    params.set("stability.part", name);
    const head = parseHead(name);
    if (head) session.select({ layer: head[0], head: head[1] }, "stability");
  };
  const circuits = params.choice("stability.show").value === "circuit";
  return (
    <>
      <Panel name="steps" label="The two checkpoints">
        <Steps {...shown} />
      </Panel>
      <div class="stability-body">
        <Panel name="curves" label="The course of the training">
          <Courses {...{ session, shown }} />
        </Panel>
        <Panel name="heads" label="Two checkpoints side by side">
          <div class="toolbar">
            <Choice
              label="Side by side"
              options={SHOW}
              value={circuits ? "circuit" : "heads"}
              choose={(value) => params.set("stability.show", value)}
            />
            {!circuits && <RoleChoice session={session} />}
          </div>
          {circuits ? (
            <Circuits {...{ members: rows.members, theme, pair, names, part, choosePart }} />
          ) : (
            <Heads {...{ session, shown }} />
          )}
        </Panel>
        <div class="lists">
          <Panel name="phases" label="Phases">
            <Phases {...shown} />
          </Panel>
          <Panel name="roles" label="Roles">
            <Roles {...{ session, shown }} />
          </Panel>
          <Panel name="edges" label="Edges of both circuits">
            <EdgeTable
              {...{ members: rows.members, pair, names: [short(at), short(other)] }}
              where="at"
              {...sorting(session, "stability.edges.sort", "")}
            />
          </Panel>
        </div>
      </div>
    </>
  );
}
