// The largest effects, each with its interval, its share of clean minus corrupt and its q.
import { useMemo } from "preact/hooks";
import { exact, percent } from "../../draw/number";
import { Table } from "../../parts/Table";
import type { TableColumn } from "../../parts/table-columns";
import type { Sorting } from "../sorting";
import { type PatchingRows, surenessOf } from "./rows";

interface Props extends Sorting {
  rows: PatchingRows;
  layer: number;
  column: number | null;
  choose: (layer: number, column: number) => void;
}

export function Effects({ rows, layer, column, choose, sort, setSort }: Props) {
  const columns = useMemo(() => columnsOf(rows), [rows]);
  const n = rows.name.length;
  const at = rows.layer.findIndex((each, row) => each === layer && rows.column[row] === column);
  return (
    <>
      <Table
        name="parts"
        title={n < rows.nAll ? `The ${n} largest effects of ${rows.nAll}` : "All effects"}
        {...{ columns, rows: n, sort, setSort }}
        order="largest effect first"
        keyOf={(row) => rows.name[row] ?? row}
        selected={at < 0 ? null : at}
        select={(row) => choose(rows.layer[row] ?? 0, rows.column[row] ?? 0)}
        fill
      />
      <p class="quiet" data-cw="tested">
        {rows.effect?.column.about}.{" "}
        {rows.nPrompts < 5
          ? "With fewer than 5 prompts no effect is tested."
          : `Bold: q < ${rows.fdr}, by flips of the prompts' signs; it says that an effect is not 0, and its share says how large it is.`}
      </p>
    </>
  );
}

function columnsOf(rows: PatchingRows): TableColumn[] {
  const { effect, share, q } = rows;
  const over = rows.nPrompts > 1 ? `, with its ${effect?.interval ?? "interval"}` : "";
  return [
    {
      ...{ kind: "text", name: "name", label: "patched", values: rows.name },
      about: rows.what,
    },
    {
      ...{ kind: "number", name: "effect", label: "effect", values: effect?.value ?? [] },
      ...{ low: effect?.low ?? null, high: effect?.high ?? null },
      strong: (row) => (q[row] ?? 1) < rows.fdr,
      about: `${effect?.column.about ?? ""}${over}.`,
      said: (row) => surenessOf(q[row], rows),
    },
    {
      ...{ kind: "number", name: "share", label: "share", values: share?.value ?? [] },
      write: percent,
      about: "The effect over clean minus corrupt, a ratio of means.",
      said: (row) => {
        const [low, high] = [share?.low?.[row], share?.high?.[row]];
        const there = low !== undefined && !Number.isNaN(low);
        return there ? `${share?.interval} ${percent(low)} to ${percent(high)}` : "";
      },
    },
    {
      ...{ kind: "number", name: "q", label: "q", values: q, write: (value) => exact(value, 3) },
      about: "The share of false finds up to this effect, by flips of the prompts' signs.",
    },
  ];
}
