// How the strongest pairs work together, measured by replacing what one head gives the other.
import { useMemo } from "preact/hooks";
import { exact } from "../../draw/number";
import { type EdgeAt, nameOf, sameEdge } from "../../model/address";
import { Table } from "../../parts/Table";
import type { TableColumn } from "../../parts/table-columns";
import type { Sorting } from "../sorting";
import type { Estimate, Pair } from "./rows";

/** What each type means; `bound`: an effect inside ± this is as good as none. */
const meanings = (bound: number): Record<string, string> => ({
  serial: `The first acts through the second: the path between them is stronger than others over as many layers, and may not be inside ±${bound}.`,
  parallel: `Each acts on its own: path and interaction are inside ±${bound}.`,
  aggregation: "One later head reads both: it was patched, and hears both.",
});

interface Props extends Sorting {
  pairs: readonly Pair[];
  equivalence: number;
  /** What their intervals are. */
  interval: string;
  unit: string;
  signed: boolean;
  edge: EdgeAt | null;
  choose: (edge: EdgeAt) => void;
}

export function PairTable(props: Props) {
  const { pairs, equivalence, interval, unit, signed, edge, choose, sort, setSort } = props;
  const columns = useMemo(() => columnsOf(pairs, interval, unit), [pairs, interval, unit]);
  const at = (row: number): EdgeAt | null => {
    const pair = pairs[row];
    return pair ? { sender: pair.a, receiver: pair.b } : null;
  };
  const chosen = pairs.findIndex((_, row) => sameEdge(at(row), edge));
  const selected = pairs[chosen];
  const types = [...new Set(pairs.map(({ type }) => type))].filter(
    (type) => meanings(equivalence)[type],
  );
  return (
    <>
      <Table
        name="coordinated"
        title="How pairs work together"
        order={`sorted by ${signed ? `|${unit}|` : unit}, highest first`}
        {...{ columns, rows: pairs.length, selected: chosen, sort, setSort }}
        select={(row) => {
          const next = at(row);
          if (next) choose(next);
        }}
        empty="No pair was tested by intervention: none is significant, or none was asked for."
        fill
      />
      <dl class="types quiet">
        {types.map((type) => (
          <div key={type}>
            <dt>{type}</dt>
            <dd>{meanings(equivalence)[type]}</dd>
          </div>
        ))}
        {selected && (
          <div data-cw="evidence">
            <dt>
              {nameOf(selected.a)}, {nameOf(selected.b)}
            </dt>
            <dd>{evidenceOf(selected)}.</dd>
          </div>
        )}
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
      about:
        "How the two heads work together, by the intervals of path and interaction, and by the paths to a later head.",
      values: pairs.map(({ type }) => type),
    },
    {
      ...{ kind: "number", name: "value", label: unit, strong: true },
      values: pairs.map(({ value }) => value),
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

/** What is behind the type of a pair, or missing for one. */
function evidenceOf({ type, sign, q, reason, reader, heard, others }: Pair): string {
  const [low, high] = others;
  const [a, b] = heard;
  return [
    sign,
    `q ${exact(q, 3)}`,
    reason && `${type}: ${reason}`,
    reader && `path effects to ${reader} of ${exact(a, 2)} and ${exact(b, 2)}`,
    !Number.isNaN(low) && `one more random path is from ${exact(low, 2)} to ${exact(high, 2)}`,
  ]
    .filter(Boolean)
    .join("; ");
}
