// Edges with their scores: of the circuit, of a node, or the parts of a line.
import { useMemo } from "preact/hooks";
import { exact } from "../../draw/number";
import { Table } from "../../parts/Table";
import type { TableColumn } from "../../parts/table-columns";
import type { Sorting } from "../sorting";
import { type CircuitRows, entryOf, partName, positionOf, readerName } from "./rows";
import { FDR } from "./words";

/** So many rows a table: of more edges, the strongest. */
const MOST_ROWS = 100;

interface Props extends Partial<Sorting> {
  name: string;
  title: string;
  rows: CircuitRows;
  /** The strongest first. */
  edges: readonly number[];
  /** How many there are, where not all of them are here. */
  all?: number;
  /** Which ends are said. */
  ends: "both" | "from" | "to" | "none";
  selected?: number | null;
  choose?: (edge: number) => void;
  empty: string;
  fill?: boolean;
}

export function EdgeTable(props: Props) {
  const { name, title, rows, edges, ends, selected = null, choose, sort = null } = props;
  const shown = useMemo(() => edges.slice(0, MOST_ROWS), [edges]);
  const columns = useMemo(() => columnsOf(rows, shown, ends, name), [rows, shown, ends, name]);
  const all = props.all ?? edges.length;
  const strongest =
    all > shown.length ? `the ${shown.length} strongest of ${all.toLocaleString("en")}, ` : "";
  return (
    <Table
      name={name}
      title={title}
      {...{ columns, sort, rows: shown.length }}
      {...(props.setSort ? { setSort: props.setSort } : {})}
      order={`${strongest}by size of score`}
      keyOf={(row) => shown[row] ?? row}
      selected={selected === null ? null : shown.indexOf(selected)}
      {...(choose ? { select: (row: number) => choose(shown[row] ?? 0) } : {})}
      empty={props.empty}
      fill={props.fill ?? false}
    />
  );
}

function columnsOf(
  rows: CircuitRows,
  shown: readonly number[],
  ends: Props["ends"],
  name: string,
): TableColumn[] {
  const { source, score } = rows.edges;
  const pick = (values: ArrayLike<number> | null) => shown.map((e) => values?.[e] ?? Number.NaN);
  const from: TableColumn = {
    ...{ kind: "text", name: "source", label: "from", strong: true },
    values: shown.map((e) => partName(rows, source[e] as number)),
  };
  const to: TableColumn = {
    ...{ kind: "text", name: "target", label: "to", strong: true },
    about: "Heads that share a key or value read it as one: 7.0-2 are heads 0 to 2 of layer 7.",
    values: shown.map((e) => readerName(rows, e)),
  };
  const by: TableColumn = {
    ...{ kind: "text", name: "by", label: "by" },
    about: "Whether a head reads it by its query, key or value.",
    values: shown.map((e) => entryOf(rows, e) || null),
  };
  const role = (e: number): string => rows.roles[positionOf(rows, e)] ?? "";
  const at: TableColumn = {
    ...{ kind: "text", name: "position", label: "at" },
    about: "The position where it is written and read.",
    values: shown.map(role),
  };
  // In the narrow lists there is no room for two columns, nor for q.
  const narrow = name !== "edges" && rows.roles.length > 0;
  const byAt: TableColumn = {
    ...{ kind: "text", name: "position", label: "by, at" },
    about: `${by.about} Then the position where it is written and read.`,
    values: shown.map((e) => [entryOf(rows, e), role(e)].filter(Boolean).join(", ")),
  };
  const q = pick(score.q);
  const sure: TableColumn = {
    ...{ kind: "number", name: "q", label: "q", values: q, write: (value) => exact(value, 3) },
    about:
      "Share of false finds among edges that are at least as sure, by sign flips over prompts; ≠ 0: it differs from 0, as its q is below 0.05.",
    note: (row) => ((q[row] ?? 1) < FDR ? "≠\u00a00" : ""),
  };
  return [
    ...(ends === "both" ? [from, to] : ends === "from" ? [from] : ends === "to" ? [to] : []),
    ...(narrow ? [byAt] : rows.roles.length > 0 ? [by, at] : [by]),
    {
      ...{ kind: "number", name: "score", label: "score", values: pick(score.value), strong: true },
      about: `The score is ${rows.meaning}; ${rows.interval} over ${rows.nFound} prompts.`,
      low: pick(score.low),
      high: pick(score.high),
    },
    ...(narrow ? [] : [sure]),
  ];
}
