// What is selected: a flow with the heads that write it, a part with its flows, a level's heads.
import { useMemo } from "preact/hooks";
import { fixed } from "../../draw/number";
import { type HeadAt, nameOf } from "../../model/address";
import type { Session } from "../../model/session";
import { Table } from "../../parts/Table";
import type { TableColumn } from "../../parts/table-columns";
import { Pattern } from "../heads/Pattern";
import { sorting } from "../sorting";
import { FlowTable } from "./FlowTable";
import type { LayersRows } from "./rows";
import type { Shown, Subject } from "./state";
import { flowSaid, levelSaid, partSaid } from "./words";

export function Selected({ session, shown }: { session: Session; shown: Shown }) {
  const { rows, subject, least, chooseFlow } = shown;
  if (!subject)
    return (
      <p class="quiet" data-cw="subject">
        There is no such part of the model.
      </p>
    );
  const head = session.head.value;
  return (
    <>
      <h3 data-cw="subject" aria-live="polite">
        {subject.name}
      </h3>
      <div class="scroll" tabIndex={0} role="group">
        <p class="quiet" data-cw="about">
          {said(rows, subject, least)}
        </p>
        <Heads {...{ session, rows, subject }} />
        {subject.kind === "part" && (
          <>
            <FlowTable
              {...{ rows, choose: chooseFlow, flows: flowsOf(rows, "target", subject.part) }}
              name="reads"
              title="Reads"
              ends="from"
              empty="It reads nothing."
            />
            <FlowTable
              {...{ rows, choose: chooseFlow, flows: flowsOf(rows, "source", subject.part) }}
              name="writes"
              title="Writes to"
              ends="to"
              empty="Nothing reads it."
            />
          </>
        )}
      </div>
      {session.text.value.live && (
        <Pattern {...{ session, head, stripe: null }} title="attention, first clean prompt" fill />
      )}
    </>
  );
}

function said(rows: LayersRows, subject: Subject, least: number): string {
  if (subject.kind === "flow") return `${flowSaid(rows, subject.flow)}.`;
  if (subject.kind === "part") return `${partSaid(rows, subject.part, least)}.`;
  return `${levelSaid(rows, subject.level)}.`;
}

function flowsOf({ flows }: LayersRows, end: "source" | "target", part: number): number[] {
  return Array.from(flows.source.keys()).filter((flow) => flows[end][flow] === part);
}

interface HeadsProps {
  session: Session;
  rows: LayersRows;
  subject: Subject;
}

/** The heads of a part, of what writes a flow, or of a level; a click selects one. */
function Heads({ session, rows, subject }: HeadsProps) {
  const [layer, index] = session.head.value;
  const { heads, at, title, target } = useMemo(() => headsOf(rows, subject), [rows, subject]);
  const columns = useMemo(() => columnsOf(rows, at, target), [rows, at, target]);
  if (!title) return null;
  const choose = (row: number) => {
    const head = heads[row];
    if (head) session.select({ layer: head[0], head: head[1] }, "layers");
  };
  return (
    <Table
      name="heads"
      title={title}
      {...{ columns, rows: heads.length }}
      {...sorting(session, "layers.heads.sort", "")}
      order="by size"
      keyOf={(row) => at[row] ?? row}
      selected={heads.findIndex((head) => head[0] === layer && head[1] === index)}
      select={choose}
      empty="It has no heads."
    />
  );
}

function headsOf(rows: LayersRows, subject: Subject) {
  const { name, row, kind } = rows.parts;
  const part =
    subject.kind === "flow"
      ? (rows.flows.source[subject.flow] as number)
      : subject.kind === "part"
        ? subject.part
        : -1;
  const [first, last] =
    subject.kind === "level"
      ? [subject.level.first - 1, subject.level.last - 1]
      : [(row[part] as number) - 1, (row[part] as number) - 1];
  const some = subject.kind === "level" || kind[part] === "attn";
  let at = Array.from(rows.heads.head.keys()).filter((i) => {
    const layer = rows.heads.head[i]?.[0] ?? -1;
    return some && layer >= first && layer <= last;
  });
  let target = -1;
  if (subject.kind === "flow") {
    const to = name[rows.flows.target[subject.flow] as number] ?? "";
    target = rows.targets.indexOf(to);
    if (at.every((i) => Number.isNaN(rows.byHead.at(i, target)))) target = -1;
    const size = (i: number) => Math.abs(rows.byHead.at(i, target));
    if (target >= 0) at = at.sort((a, b) => size(b) - size(a));
  }
  const heads = at.map((i) => rows.heads.head[i] as HeadAt);
  const title = !some ? "" : subject.kind === "level" ? "Heads of the level" : "Heads";
  return { heads, at, title, target };
}

function columnsOf(rows: LayersRows, at: readonly number[], target: number): TableColumn[] {
  const { head, strength } = rows.heads;
  const pick = (values: ArrayLike<number> | null) => at.map((i) => values?.[i] ?? Number.NaN);
  const here: TableColumn[] =
    target < 0
      ? []
      : [
          {
            ...{ kind: "number", name: "here", label: "of this flow", strong: true },
            values: at.map((i) => rows.byHead.at(i, target)),
            write: (value) => fixed(value),
            about: "The head's part of the flow: they add up to it.",
          },
        ];
  return [
    {
      ...{ kind: "text", name: "head", label: "head", strong: true },
      values: at.map((i) => nameOf(head[i] as HeadAt)),
    },
    ...here,
    {
      ...{ kind: "number", name: "strength", label: "all it writes" },
      values: pick(strength.value),
      low: pick(strength.low),
      high: pick(strength.high),
      about: `What the ${rows.metric} loses without all that the head writes; ${rows.interval} over prompts.`,
    },
  ];
}
