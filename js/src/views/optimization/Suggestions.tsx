// What could be changed, each with its effect; the chosen one with its evidence below.
import { useMemo } from "preact/hooks";
import { Table } from "../../parts/Table";
import type { TableColumn } from "../../parts/table-columns";
import type { Sorting } from "../sorting";
import type { OptimizationRows } from "./rows";

interface Props extends Sorting {
  rows: OptimizationRows;
  selected: number;
  choose: (row: number) => void;
}

export function Suggestions({ rows, selected, choose, sort, setSort }: Props) {
  const { suggestions, skipped, complete } = rows;
  const columns = useMemo(() => columnsOf(rows), [rows]);
  const shown = suggestions[selected];
  return (
    <>
      <Table
        name="suggestions"
        title="Suggestions"
        {...{ columns, rows: suggestions.length, sort, setSort }}
        selected={shown ? selected : null}
        select={choose}
        empty={complete ? "There is nothing to suggest." : "Nothing is found yet."}
        fill
      />
      {shown && (
        <div class="evidence" data-cw="evidence">
          <h3>
            {shown.kind}: <span class="components">{shown.components}</span>
          </h3>
          <p>{shown.evidence}</p>
          {shown.missing && <p class="quiet">{shown.missing}</p>}
        </div>
      )}
      {skipped && (
        <p class="quiet" data-cw="skipped">
          Not looked for: {skipped}.
        </p>
      )}
    </>
  );
}

function columnsOf({ suggestions, effect }: OptimizationRows): TableColumn[] {
  const text = (name: string, label: string, about: string, values: string[]): TableColumn => ({
    ...{ kind: "text", name, label, about, values },
  });
  return [
    text(
      "kind",
      "suggestion",
      "Pruning takes heads away; capacity goes where a task hangs on one part; another architecture where heads do each other harm.",
      suggestions.map(({ kind }) => kind),
    ),
    text(
      "components",
      "parts",
      "Heads (layer.head), MLPs, or an edge from one to another.",
      suggestions.map(({ components }) => short(components)),
    ),
    {
      ...{ kind: "number", name: "value", label: "effect (%)", digits: 1 },
      ...{ values: effect?.value ?? [], low: effect?.low ?? null, high: effect?.high ?? null },
      about: `Of pruning: by how much the loss on held-out texts rises. Of the others: which share of the task is lost without the part. With its ${effect?.interval ?? "interval"}.`,
    },
    {
      ...{ kind: "number", name: "random", label: "random", digits: 1 },
      values: effect?.null ?? [],
      about:
        "The same of what is beside it, the mean: random heads of the same layers; the other heads of its layer, or the other MLPs, one by one; random edges between heads.",
    },
    text(
      "state",
      "tried",
      "Whether the change, tried, keeps within the tolerance, or makes the task go better. One that takes training was not tried.",
      suggestions.map(({ state }) => state),
    ),
  ];
}

const MOST = 4;

/** "0.1, 0.3, 2.2, 2.5 and 29 more" */
export function short(components: string): string {
  const names = components.split(", ");
  const rest = names.length - MOST;
  return rest > 0 ? `${names.slice(0, MOST).join(", ")} and ${rest} more` : components;
}
