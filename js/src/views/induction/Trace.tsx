// Induction through a text: point at a token that appeared earlier to see both hops, and the numbers.
import { useComputed, useSignal } from "@preact/signals";
import { labelText } from "../../draw/label";
import { type HeadAt, nameOf, sameHead } from "../../model/address";
import type { Session } from "../../model/session";
import { Panel } from "../../parts/Frame";
import { useLatest } from "../../parts/latest";
import { Words } from "../../parts/Words";
import { Pattern } from "../heads/Pattern";
import { sorting } from "../sorting";
import { RepeatTable } from "./RepeatTable";
import type { InductionRows } from "./rows";
import { arcsOf, chosenRow, lookOf } from "./trace-look";
import { firstHopOf, hopInWords } from "./words";

interface Props {
  session: Session;
  rows: InductionRows;
}

export function Trace({ session, rows }: Props) {
  const { repeats, heads, previous } = rows;
  const { tokens, prompt } = session.text.value;
  const pointed = useSignal<number | null>(null);
  const head = Math.max(
    0,
    heads.findIndex((known) => sameHead(known, session.head.value)),
  );
  const chosen = chosenRow(rows, head, session.cell.value.query);
  const row = pointed.value ?? chosen;
  const rowOf = (token: number | null): number | null => {
    const found = token === null ? -1 : repeats.position.indexOf(token);
    return found < 0 ? null : found;
  };
  const choose = (row: number | null) => {
    if (row !== null) session.select({ query: repeats.position[row] ?? null }, "trace");
  };
  const chooseHead = ([layer, index]: HeadAt) => session.select({ layer, head: index }, "trace");
  const shown = useLatest({ rows, head, row });
  const look = useComputed(() => lookOf(shown.value.rows, shown.value.head, shown.value.row));
  const arcs = useComputed(() => arcsOf(shown.value.rows, shown.value.head, shown.value.row));
  const at = useComputed(() => {
    const row = pointed.value;
    return row === null ? null : (repeats.position[row] ?? null);
  });
  const word = (position: number) => `“${labelText(tokens[position] ?? "", 20).trim()}”`;
  const hop = firstHopOf(rows, row);
  return (
    <>
      <Panel name="strip" label="The text">
        <h3>
          Both hops of {nameOf(heads[head] ?? [0, 0])}{" "}
          <span class="quiet">Hover a shaded (repeated) token</span>
        </h3>
        <Words
          {...{ tokens, prompt, look, arcs, at }}
          theme={session.theme}
          label="The text. Shaded tokens appeared earlier."
          point={(token) => {
            pointed.value = rowOf(token);
          }}
          choose={(token) => choose(rowOf(token))}
        />
        <p class="said" data-cw="hop">
          {hopInWords(rows, row, head, word)}
        </p>
      </Panel>
      <div class="trace">
        <Panel name="repeats" label="Repeated tokens">
          <RepeatTable
            {...{ rows, head, word, choose, chooseHead }}
            chosen={chosen}
            point={(row) => {
              pointed.value = row;
            }}
            sorting={sorting(session, "repeats.sort", "")}
          />
        </Panel>
        <Panel name="patterns" label="Attention of both heads">
          {hop >= 0 && (
            <Pattern
              session={session}
              head={previous[hop] as HeadAt}
              title="first hop: to the previous token"
              stripe={{ back: 1, first: 1 }}
              fill
            />
          )}
          <Pattern
            session={session}
            head={heads[head] as HeadAt}
            title="second hop: to what followed earlier"
            stripe={null}
            fill
          />
        </Panel>
      </div>
    </>
  );
}
