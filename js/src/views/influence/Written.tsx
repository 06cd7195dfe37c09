// What the model wrote: how much each token depended on what it wrote before, and on the prompt.
import { useMemo } from "preact/hooks";
import { labelText } from "../../draw/label";
import { fixed } from "../../draw/number";
import { Table } from "../../parts/Table";
import type { TableColumn } from "../../parts/table-columns";
import type { Interval, Written as WrittenRows } from "./rows";

interface Props {
  written: WrittenRows;
  tokens: readonly string[];
  token: number | null;
  choose: (token: number) => void;
}

/** What the ends beside a number are, if it has any. */
function ends({ low, interval }: Interval): string {
  return low.some((end) => !Number.isNaN(end)) ? ` Beside it: the ${interval}.` : "";
}

/** What the errors of draws alone would make of effects that are 0; of all replacements nothing. */
function byDraws(score: Interval): (row: number) => string {
  return (row) => {
    const most = score.null[row] ?? 0;
    return most > 0 ? `by draws alone ${fixed(most)}` : "";
  };
}

export function Written({ written, tokens, token, choose }: Props) {
  const { position, own, prompt } = written;
  const columns = useMemo<TableColumn[]>(
    () => [
      {
        ...{ kind: "text", name: "token", label: "token", token: true },
        values: Array.from(position, (at) => labelText(tokens[at] ?? "", 18)),
        note: (row) => String(position[row]),
      },
      {
        ...{ kind: "number", name: "own", label: "an earlier output", strong: true },
        about: `Mean |effect| of one token that the model wrote before it, without the one right before it, in nats.${ends(own)}`,
        note: byDraws(own),
        values: own.value,
        low: own.low,
        high: own.high,
      },
      {
        ...{ kind: "number", name: "prompt", label: "a prompt token", strong: true },
        about: `Mean |effect| of one token of the prompt, without the one right before it, in nats.${ends(prompt)}`,
        note: byDraws(prompt),
        values: prompt.value,
        low: prompt.low,
        high: prompt.high,
      },
    ],
    [position, own, prompt, tokens],
  );
  return (
    <Table
      name="outputs"
      title="Mean influence of one token on each written token (nats)"
      order="in the order of the text"
      {...{ columns, rows: position.length }}
      selected={token === null ? null : position.indexOf(token)}
      select={(row) => choose(position[row] ?? 0)}
    />
  );
}
