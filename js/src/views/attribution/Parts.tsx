// Every part with its number, beside its null: random tokens, or random heads.
import { useMemo } from "preact/hooks";
import { fixed } from "../../draw/number";
import type { HeadAt } from "../../model/address";
import { Table } from "../../parts/Table";
import type { TableColumn } from "../../parts/table-columns";
import type { Sorting } from "../sorting";
import type { AttributionRows } from "./rows";

interface Props extends Sorting {
  rows: AttributionRows;
  selected: HeadAt;
  choose: (head: HeadAt) => void;
}

export function Parts({ rows, selected, choose, sort, setSort }: Props) {
  const { parts, missing } = rows;
  const columns = useMemo(() => columnsOf(rows), [rows]);
  const at = parts.head.findIndex((head) => head?.[0] === selected[0] && head[1] === selected[1]);
  return (
    <>
      <Table
        name="parts"
        title="All parts"
        {...{ columns, rows: parts.name.length, sort, setSort }}
        order={`largest ${parts.label} first`}
        keyOf={(row) => parts.name[row] ?? row}
        selected={at < 0 ? null : at}
        select={(row) => {
          const head = parts.head[row];
          if (head) choose(head);
        }}
        fill
      />
      {parts.outside && (
        <p class="quiet" data-cw="bold">
          Bold: {parts.outside}.
        </p>
      )}
      {missing && (
        <p class="quiet" data-cw="heads-missing">
          Heads are missing: {missing}.
        </p>
      )}
    </>
  );
}

function columnsOf(rows: AttributionRows): TableColumn[] {
  const { parts } = rows;
  return [
    {
      ...{ kind: "text", name: "name", label: "part", values: parts.name },
      about: "A head (layer.head), several, a layer's MLP, the embedding, or all biases together.",
    },
    {
      ...{ kind: "number", name: "share", label: parts.label, values: parts.share },
      ...{ low: parts.low, high: parts.high, strong: (row: number) => parts.standsOut[row] === 1 },
      about: `${parts.about}${rows.nPrompts > 1 ? `, with its ${parts.interval} over prompts` : ""}. Bold: ${parts.outside}.`,
    },
    {
      ...{ kind: "text", name: "null", label: parts.nullLabel },
      values: Array.from(parts.share, (_, i) => span(parts.nullLow[i], parts.nullHigh[i])),
      about: parts.nullAbout,
      said: (row) => {
        const bar = span(parts.extremeLow[row], parts.extremeHigh[row]);
        return bar === "–" ? "" : `Bold takes a number beyond ${bar}.`;
      },
    },
  ];
}

function span(low: number | undefined, high: number | undefined): string {
  return Number.isNaN(low ?? Number.NaN) ? "–" : `${fixed(low)} to ${fixed(high)}`;
}
