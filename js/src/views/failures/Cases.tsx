// The failing cases: what was expected and what came instead, in a table with filters.
import { useMemo } from "preact/hooks";
import { fixed, isThere } from "../../draw/number";
import type { Session } from "../../model/session";
import { Slider } from "../../parts/Slider";
import { Table } from "../../parts/Table";
import type { TableColumn } from "../../parts/table-columns";
import { adjusting } from "../adjusting";
import { sorting } from "../sorting";
import { type FailureRows, labelOf, layersOf, partSaid } from "./rows";
import type { Shown } from "./state";
import { tailOf } from "./words";

const SCORE = { label: "Least score", least: 0, most: 1, step: 0.05, value: 0 };
/** Of a prompt that is longer, its end is shown. */
const LETTERS = 20;

export function Cases({ session, shown }: { session: Session; shown: Shown }) {
  const { rows, passed, at, chooseCase } = shown;
  const columns = useMemo(() => columnsOf(rows, passed), [rows, passed]);
  const all = passed.length === rows.cases.n;
  return (
    <>
      <Filters session={session} shown={shown} />
      <Table
        name="cases"
        title="Failing cases"
        {...{ columns, rows: passed.length }}
        {...sorting(session, "failures.cases.sort", "")}
        order={all ? "in the order given" : `${passed.length} of ${rows.cases.n} pass the filters`}
        keyOf={(row) => passed[row] ?? row}
        selected={passed.includes(at) ? passed.indexOf(at) : null}
        select={(row) => chooseCase(passed[row] ?? 0)}
        empty={rows.cases.n === 0 ? "There is no failing case." : "No case passes these filters."}
        fill
      />
      {rows.cases.n > 0 && (
        <div class="scroll diagnosis" tabIndex={0} role="group" aria-label="Diagnosis">
          <p data-cw="diagnosis" aria-live="polite">
            <b>Case {at}:</b> {rows.cases.diagnosis[at] || "not looked into yet."}
          </p>
        </div>
      )}
    </>
  );
}

function Filters({ session, shown }: { session: Session; shown: Shown }) {
  const { params } = session;
  const { rows, filter } = shown;
  const layers = useMemo(() => layersOf(rows), [rows]);
  return (
    <div class="toolbar filters" role="group" aria-label="Filters">
      <select
        aria-label="Type of failure"
        data-cw="filter-type"
        value={filter.type}
        onChange={(event) => params.set("failures.type", event.currentTarget.value)}
      >
        <option value="">all types</option>
        {rows.kinds.map(({ name, label, about }) => (
          <option key={name} value={name} title={about}>
            {label}
          </option>
        ))}
      </select>
      <select
        aria-label="Layer of a head or MLP that was looked into"
        data-cw="filter-layer"
        value={filter.layer}
        onChange={(event) => params.set("failures.layer", event.currentTarget.value)}
      >
        <option value="">all layers</option>
        {layers.map((layer) => (
          <option key={layer} value={layer}>
            layer {layer}
          </option>
        ))}
      </select>
      <Slider {...adjusting(session, "failures.score", SCORE)} name="filter-score" />
    </div>
  );
}

function columnsOf(rows: FailureRows, passed: readonly number[]): TableColumn[] {
  const { cases } = rows;
  const texts = (values: readonly string[]) => passed.map((at) => values[at] ?? "");
  const numbers = (values: ArrayLike<number>) => passed.map((at) => values[at] ?? Number.NaN);
  const chance = (values: ArrayLike<number>) => (row: number) =>
    `p ${fixed(values[passed[row] ?? 0])}`;
  return [
    {
      ...{ kind: "number", name: "case", label: "#", values: passed, digits: 0 },
      about: "The number of the case, as Python counts it; + marks one that was added here.",
      note: (row) => (cases.added[passed[row] ?? 0] ? "+" : ""),
    },
    {
      ...{ kind: "text", name: "prompt", label: "prompt" },
      values: passed.map((at) => tailOf(cases.prompt[at] ?? "", LETTERS)),
      about: "The end of the prompt. Hover it to see all of it.",
      said: (row) => cases.prompt[passed[row] ?? 0] ?? "",
    },
    {
      ...{ kind: "text", name: "expected", label: "expected", values: texts(cases.expected) },
      ...{ token: true, said: chance(cases.pExpected) },
    },
    {
      ...{ kind: "text", name: "predicted", label: "predicted", values: texts(cases.predicted) },
      ...{ token: true, said: chance(cases.pPredicted) },
    },
    {
      ...{ kind: "text", name: "type", label: "type" },
      values: passed.map((at) => labelOf(rows.kinds, cases.type[at] ?? "")),
      about: "The type that names the failure; unknown: none holds.",
      said: (row) => behind(rows, passed[row] ?? 0),
    },
    {
      ...{ kind: "number", name: "score", label: "score", values: numbers(cases.score) },
      about:
        rows.compared === "model"
          ? "Which share of the part's work is lost in this way, from 0 to 1."
          : "How far out it is, from 0 to 1: 0.5 is as far as the furthest healthy prompt.",
    },
    {
      ...{ kind: "text", name: "part", label: "part" },
      values: passed.map((at) => partSaid(cases.part[at] ?? "")),
      about: "The head (layer.head) or MLP that is furthest out of line, of those looked into.",
    },
  ];
}

/** The type that comes next, and by how much. */
export function behind({ cases, kinds }: FailureRows, at: number): string {
  const [second, margin] = [cases.second[at], cases.margin[at]];
  if (!second || !isThere(margin)) return "no other type holds";
  return `next: ${labelOf(kinds, second)}, ${fixed(margin)} behind`;
}
