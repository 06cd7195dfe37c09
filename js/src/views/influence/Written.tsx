// What the model wrote: how much each token depended on what it wrote before, and on the prompt.
import { useMemo } from "preact/hooks";
import { labelText } from "../../draw/label";
import { Table } from "../../parts/Table";
import type { TableColumn } from "../../parts/table-columns";
import type { Written as WrittenRows } from "./rows";

interface Props {
  written: WrittenRows;
  tokens: readonly string[];
  token: number | null;
  choose: (token: number) => void;
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
        ...{ kind: "number", name: "own", label: "its own earlier tokens", strong: true },
        about: `Effect of the tokens that the model wrote before it, in nats, with its ${own.interval}.`,
        values: own.value,
        low: own.low,
        high: own.high,
      },
      {
        ...{ kind: "number", name: "prompt", label: "the prompt", strong: true },
        about: `Effect of the tokens of the prompt, in nats, with its ${prompt.interval}.`,
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
      title="Effect on each written token (nats)"
      order="in the order of the text"
      {...{ columns, rows: position.length }}
      selected={token === null ? null : position.indexOf(token)}
      select={(row) => choose(position[row] ?? 0)}
    />
  );
}
