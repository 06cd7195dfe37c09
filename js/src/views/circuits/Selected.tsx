// What is selected: a node's edges, its effect and its attention, or the parts of a line.
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import type { Session } from "../../model/session";
import { Pattern } from "../heads/Pattern";
import { EdgeTable } from "./EdgeTable";
import { type CircuitRows, partName } from "./rows";
import type { Shown } from "./state";
import { edgesOfNodes, type Subject } from "./subject";
import { effectSaid, membersSaid, placed, sizeSaid } from "./words";

interface Props {
  session: Session;
  shown: Shown;
}

export function Selected({ session, shown }: Props) {
  const { rows, graph, size, subject, word } = shown;
  if (subject === null)
    return (
      <p class="quiet" data-cw="subject">
        {placed(rows, word)} is not in the circuit of {sizeSaid(rows, size)}.
      </p>
    );
  if (subject.kind === "line") {
    const parts = graph.lines[subject.line]?.parts ?? [];
    const target = graph.lines[subject.line]?.target ?? -1;
    return (
      <Scrolling
        name={placed(rows, subject.name)}
        below={<Attention {...{ session, rows, node: target }} />}
      >
        <EdgeTable
          name="parts"
          title={parts.length === 1 ? "One edge" : `${parts.length} edges`}
          {...{ rows, edges: parts }}
          ends={graph.names.length > rows.nodes.name.length ? "both" : "none"}
          empty=""
        />
      </Scrolling>
    );
  }
  return <Nodes {...{ session, shown, subject }} />;
}

function Nodes({
  session,
  shown,
  subject,
}: Props & { subject: Extract<Subject, { kind: "nodes" }> }) {
  const { rows, graph, size, edges, chooseEdge } = shown;
  const { members, name } = subject;
  const { read, written } = useMemo(
    () => edgesOfNodes(rows, edges, members),
    [rows, edges, members],
  );
  const one = members.length === 1 ? (members[0] ?? 0) : null;
  const single = new Set(members.map((node) => partName(rows, node))).size === 1;
  const inside = members.some((node) => graph.has[node]);
  const said = [
    one === null && membersSaid(rows, members),
    !inside && `Not in the circuit of ${sizeSaid(rows, size)}.`,
    one !== null && inside && sentence(effectSaid(rows, one)),
  ]
    .filter(Boolean)
    .join(" ");
  const row = one === null ? null : rows.nodes.row[one];
  const [first, last] = [0, rows.nodes.row[rows.nodes.row.length - 1]];
  return (
    <Scrolling
      name={placed(rows, name)}
      below={one !== null && <Attention {...{ session, rows, node: one }} />}
    >
      {said && (
        <p class="quiet" data-cw="effect">
          {said}
        </p>
      )}
      {inside && row !== first && (
        <EdgeTable
          name="reads"
          title="Reads"
          {...{ rows, edges: read, choose: chooseEdge }}
          ends={single ? "from" : "both"}
          empty="It reads nothing in this circuit."
        />
      )}
      {inside && row !== last && (
        <EdgeTable
          name="writes"
          title="Writes to"
          {...{ rows, edges: written, choose: chooseEdge }}
          ends={single ? "to" : "both"}
          empty="Nothing in this circuit reads it."
        />
      )}
    </Scrolling>
  );
}

/** A head's attention on the first clean prompt; nothing else has any. */
function Attention({ session, rows, node }: { session: Session; rows: CircuitRows; node: number }) {
  const head = rows.nodes.head[node];
  if (!head || session.text.value.tokens.length === 0) return null;
  return (
    <Pattern {...{ session, head, stripe: null }} title="attention, first clean prompt" fill />
  );
}

interface ScrollingProps {
  name: string;
  children: ComponentChildren;
  /** As high as what scrolls leaves room for. */
  below: ComponentChildren;
}

function Scrolling({ name, children, below }: ScrollingProps) {
  return (
    <>
      <h3 data-cw="subject" aria-live="polite">
        {name}
      </h3>
      <div class="scroll" tabIndex={0} role="group">
        {children}
      </div>
      {below}
    </>
  );
}

function sentence(words: string): string {
  return words && `${words[0]?.toUpperCase()}${words.slice(1)}.`;
}
