// Who has which role at the two checkpoints, and roles that went from one head to another.
import { useMemo } from "preact/hooks";
import { grouped } from "../../draw/curves";
import { inSentence } from "../../draw/label";
import { fixed, interval } from "../../draw/number";
import { type HeadAt, nameOf } from "../../model/address";
import { faintOf } from "../../model/planes";
import type { Session } from "../../model/session";
import { Table } from "../../parts/Table";
import type { TableColumn } from "../../parts/table-columns";
import type { Shown } from "./checkpoints";
import type { TrainingRows } from "./training-rows";

interface Props {
  session: Session;
  shown: Shown;
}

interface Best {
  head: HeadAt;
  value: number;
  low: number;
  high: number;
  faint: boolean;
}

export function Roles({ session, shown: { rows, at, other } }: Props) {
  const planes = session.planes.value;
  const { n_heads } = session.text.value;
  const best = useMemo(
    () => [at, other].map((step) => planes.map(({ about }) => bestOf(rows, about, step, n_heads))),
    [rows, planes, at, other, n_heads],
  );
  const columns: TableColumn[] = [
    {
      ...{ kind: "text", name: "role", label: "role" },
      values: planes.map(({ about }) => about.label),
      said: (row) => planes[row]?.about.about ?? "",
    },
    ...[at, other].flatMap((step, side): TableColumn[] => {
      const found = best[side] ?? [];
      const about = `The head that has most of the role at step ${grouped(rows.steps[step] ?? 0)}; pale: not above its baseline.`;
      const strong = (row: number) => found[row]?.faint === false;
      return [
        {
          ...{ kind: "text", name: `head${side}`, label: `at ${grouped(rows.steps[step] ?? 0)}` },
          ...{ about, strong, values: found.map((each) => each && nameOf(each.head)) },
        },
        {
          ...{ kind: "number", name: `best${side}`, label: "score", about, strong },
          values: found.map((each) => each?.value ?? null),
          said: (row) => {
            const span = interval(found[row]?.low, found[row]?.high);
            return span && `${rows.members.interval} ${span}`;
          },
        },
      ];
    }),
  ];
  const chosen = planes.findIndex(({ about }) => about.name === session.plane.value?.about.name);
  return (
    <>
      <Table
        name="roles"
        title="Who has each role"
        {...{ columns, rows: planes.length, selected: chosen }}
        keyOf={(row) => planes[row]?.about.name ?? row}
        select={(row) => {
          const about = planes[row]?.about;
          if (about) session.params.set("score", about.name);
          const head = best[0]?.[row]?.head;
          if (head) session.select({ layer: head[0], head: head[1] }, "roles");
        }}
      />
      <Swaps {...{ session, rows }} />
    </>
  );
}

function Swaps({ session, rows }: { session: Session; rows: TrainingRows }) {
  const { swaps } = rows;
  const label = (role: string) =>
    inSentence(session.planes.value.find(({ about }) => about.name === role)?.about.label ?? role);
  if (swaps.length === 0)
    return (
      <p class="quiet" data-cw="swaps">
        {rows.phases.length === 0
          ? "Roles that go to another head are not known yet."
          : "No role goes to another head while the task is done."}
      </p>
    );
  return (
    <ul class="swaps" data-cw="swaps">
      {swaps.map(({ role, before, after, giver, taker, leadBefore: was, leadAfter: is }) => (
        <li key={`${role} ${after}`}>
          <b>{label(role)}</b>: {nameOf(giver)} at step {grouped(before)}{" "}
          <span class="quiet">
            (higher by {fixed(was.value)}, {interval(was.low, was.high)})
          </span>{" "}
          → {nameOf(taker)} at step {grouped(after)}{" "}
          <span class="quiet">
            (higher by {fixed(is.value)}, {interval(is.low, is.high)})
          </span>
        </li>
      ))}
    </ul>
  );
}

function bestOf(
  rows: TrainingRows,
  about: Session["planes"]["value"][number]["about"],
  step: number,
  nHeads: number,
): Best | null {
  const plane = rows.planeAt(about, step);
  if (!plane) return null;
  let best = -1;
  for (let i = 0; i < plane.value.length; i++)
    if (
      (plane.value[i] ?? Number.NaN) >
      (best < 0 ? Number.NEGATIVE_INFINITY : (plane.value[best] ?? 0))
    )
      best = i;
  if (best < 0) return null;
  return {
    head: [Math.floor(best / nHeads), best % nHeads],
    value: plane.value[best] ?? Number.NaN,
    low: plane.low?.[best] ?? Number.NaN,
    high: plane.high?.[best] ?? Number.NaN,
    faint: faintOf(plane)[best] === 1,
  };
}
