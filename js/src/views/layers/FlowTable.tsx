// Flows with their strengths: those above the threshold, or those of one part.
import { useMemo } from "preact/hooks";
import { Table } from "../../parts/Table";
import type { TableColumn } from "../../parts/table-columns";
import type { Sorting } from "../sorting";
import type { LayersRows } from "./rows";

const MOST_ROWS = 100;

interface Props extends Partial<Sorting> {
  name: string;
  title: string;
  rows: LayersRows;
  /** The strongest first. */
  flows: readonly number[];
  ends: "both" | "from" | "to";
  selected?: number | null;
  choose: (flow: number) => void;
  empty: string;
  fill?: boolean;
}

export function FlowTable(props: Props) {
  const { name, title, rows, flows, ends, selected = null, choose, sort = null } = props;
  const shown = useMemo(() => flows.slice(0, MOST_ROWS), [flows]);
  const columns = useMemo(() => columnsOf(rows, shown, ends), [rows, shown, ends]);
  const more =
    flows.length > shown.length ? `the ${shown.length} strongest of ${flows.length}, ` : "";
  return (
    <Table
      name={name}
      title={title}
      {...{ columns, sort, rows: shown.length }}
      {...(props.setSort ? { setSort: props.setSort } : {})}
      order={`${more}by size of strength`}
      keyOf={(row) => shown[row] ?? row}
      selected={selected === null ? null : shown.indexOf(selected)}
      select={(row: number) => choose(shown[row] ?? 0)}
      empty={props.empty}
      fill={props.fill ?? false}
    />
  );
}

function columnsOf(rows: LayersRows, shown: readonly number[], ends: Props["ends"]): TableColumn[] {
  const { source, target, strength, exact } = rows.flows;
  const pick = (values: ArrayLike<number> | null) => shown.map((f) => values?.[f] ?? Number.NaN);
  const part = (name: string, label: string, at: Int32Array): TableColumn => ({
    ...{ kind: "text", name, label, strong: true },
    values: shown.map((f) => rows.parts.name[at[f] as number] ?? ""),
  });
  const [from, to] = [part("source", "from", source), part("target", "to", target)];
  const run = pick(exact);
  const exactly: TableColumn[] = run.some((value) => !Number.isNaN(value))
    ? [
        {
          ...{ kind: "number", name: "exact", label: "exact", values: run },
          about: "The same by a run of the model without these edges; – where none was made.",
        },
      ]
    : [];
  return [
    ...(ends === "both" ? [from, to] : ends === "from" ? [from] : [to]),
    {
      ...{ kind: "number", name: "strength", label: "strength", strong: true },
      values: pick(strength.value),
      about: `What the ${rows.metric} loses without the flow; ${rows.interval} over ${rows.nPrompts} prompts.`,
      low: pick(strength.low),
      high: pick(strength.high),
    },
    ...exactly,
  ];
}
