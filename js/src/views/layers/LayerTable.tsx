// What each layer does: the evidence that levels are looked for in.
import { useMemo } from "preact/hooks";
import { Table } from "../../parts/Table";
import type { TableColumn } from "../../parts/table-columns";
import type { Sorting } from "../sorting";
import type { LayersRows } from "./rows";

interface Props extends Sorting {
  rows: LayersRows;
  layer: number | null;
  choose: (layer: number) => void;
}

export function LayerTable({ rows, layer, choose, sort, setSort }: Props) {
  const columns = useMemo<TableColumn[]>(() => {
    return [
      {
        ...{ kind: "number", name: "layer", label: "layer", strong: true },
        values: rows.levelOf.map((_, at) => at),
        write: (value) => String(value ?? ""),
        about: "The layer, and its level, if there are levels.",
        note: (row) => rows.levelOf[row] ?? "",
      },
      ...rows.features.map(
        ({ name, meaning, values }): TableColumn => ({
          ...{ kind: "number", name: name.replaceAll(" ", "-"), label: name },
          values: values.value,
          about: `Mean over prompts of the ${meaning}.`,
          said: (row) =>
            `${name} of layer ${row}: ${values.interval} ${values.low?.[row]?.toFixed(2)} to ${values.high?.[row]?.toFixed(2)}`,
        }),
      ),
    ];
  }, [rows]);
  return (
    <Table
      name="profile"
      title="What each layer does"
      {...{ columns, rows: rows.levelOf.length, selected: layer, select: choose, sort, setSort }}
      empty="Not measured yet."
      fill
    />
  );
}
