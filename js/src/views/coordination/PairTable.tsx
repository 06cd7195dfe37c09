// How the strongest pairs work together, measured by replacing what one head gives the other.
import { useMemo } from "preact/hooks";
import { exact } from "../../draw/number";
import { type EdgeAt, nameOf, sameEdge } from "../../model/address";
import { Table } from "../../parts/Table";
import type { TableColumn } from "../../parts/table-columns";
import type { Sorting } from "../sorting";
import type { Estimate, Pair } from "./rows";

/** What each type means. */
const TYPES: Record<string, string> = {
  serial: "The first acts through the second: the path between them carries an effect.",
  parallel: "Each acts on its own: no path between them, and no interaction.",
  aggregation: "Both act on something later: no path between them, but an interaction.",
  "not resolved": "The intervals do not decide between the types.",
};

interface Props extends Sorting {
  pairs: readonly Pair[];
  /** What their intervals are. */
  interval: string;
  unit: string;
  signed: boolean;
  edge: EdgeAt | null;
  choose: (edge: EdgeAt) => void;
}

export function PairTable(props: Props) {
  const { pairs, interval, unit, signed, edge, choose, sort, setSort } = props;
  const columns = useMemo(() => columnsOf(pairs, interval, unit), [pairs, interval, unit]);
  const at = (row: number): EdgeAt | null => {
    const pair = pairs[row];
    return pair ? { sender: pair.a, receiver: pair.b } : null;
  };
  const selected = pairs.findIndex((_, row) => sameEdge(at(row), edge));
  return (
    <>
      <Table
        name="coordinated"
        title="How pairs work together"
        order={`sorted by ${signed ? `|${unit}|` : unit}, highest first`}
        {...{ columns, rows: pairs.length, selected, sort, setSort }}
        select={(row) => {
          const chosen = at(row);
          if (chosen) choose(chosen);
        }}
        empty="No pair was tested by intervention: none is significant, or none was asked for."
        fill
      />
      <dl class="types quiet">
        {[...new Set(pairs.map(({ type }) => type))].map((type) => (
          <div key={type}>
            <dt>{type}</dt>
            <dd>{TYPES[type]}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function columnsOf(pairs: readonly Pair[], interval: string, unit: string): TableColumn[] {
  const estimate = (of: (pair: Pair) => Estimate) => ({
    values: pairs.map((pair) => of(pair).value),
    low: pairs.map((pair) => of(pair).low),
    high: pairs.map((pair) => of(pair).high),
  });
  return [
    {
      ...{ kind: "text", name: "pair", label: "pair" },
      values: pairs.map(({ type, a, b }) =>
        type === "serial" ? nameOf({ sender: a, receiver: b }) : `${nameOf(a)}, ${nameOf(b)}`,
      ),
    },
    {
      ...{ kind: "text", name: "type", label: "type" },
      about: "How the two heads work together, by the intervals of path and interaction.",
      values: pairs.map(({ type }) => type),
      note: (row) => pairs[row]?.sign ?? "",
    },
    {
      ...{ kind: "number", name: "value", label: unit, strong: true },
      values: pairs.map(({ value }) => value),
      note: (row) => `q ${exact(pairs[row]?.q, 3)}`,
    },
    {
      ...{ kind: "number", name: "path", label: "path" },
      about: `How much the metric falls when the second head alone receives the first one's mean, with its ${interval}.`,
      ...estimate(({ path }) => path),
    },
    {
      ...{ kind: "number", name: "interaction", label: "interaction" },
      about: `What both ablations together cost more than one by one, with its ${interval}: above 0 they back each other up.`,
      ...estimate(({ interaction }) => interaction),
    },
  ];
}
