// The selected part in this case: what is out of line, the fixes that were tried, and one to try now.
import { useMemo } from "preact/hooks";
import { fixed, isThere, percent } from "../../draw/number";
import type { Session } from "../../model/session";
import { Table } from "../../parts/Table";
import type { TableColumn } from "../../parts/table-columns";
import {
  type FailureRows,
  type Part as Found,
  headOf,
  labelOf,
  partSaid,
  type Tried,
} from "./rows";
import { type Shown, useKeys } from "./state";
import { findsSaid, quoted } from "./words";

export function Part({ session, shown }: { session: Session; shown: Shown }) {
  const { rows, at, part, live } = shown;
  const found = rows.parts.find((one) => one.case === at && one.name === part);
  const tried = useMemo(
    () => rows.tried.filter((one) => one.case === at && one.part === part),
    [rows, at, part],
  );
  const columns = useMemo(() => columnsOf(rows, tried, at), [rows, tried, at]);
  const fixes = rows.fixes.filter(({ headsOnly }) => headOf(part) !== null || !headsOnly);
  const asked = session.params.choice("failures.fix").value;
  const fix = (fixes.find(({ name }) => name === asked) ?? fixes[0])?.name ?? "";
  const attempt = () => {
    if (live && fix) session.wish({ kind: "fix", case: at, part, fix });
  };
  useKeys(session, shown, attempt);
  return (
    <>
      <h3 data-cw="part-name" aria-live="polite">
        <strong>{partSaid(part)}</strong>{" "}
        <span class="quiet">{found ? foundSaid(rows, found) : notFoundSaid(rows, at)}</span>
      </h3>
      {found?.said && (
        <p class="quiet" data-cw="evidence">
          {found.said}
        </p>
      )}
      <div class="toolbar" role="group" aria-label="Try a fix">
        <select
          aria-label="Fix"
          data-cw="fix"
          value={fix}
          title={fixes.find(({ name }) => name === fix)?.about}
          onChange={(event) => session.params.set("failures.fix", event.currentTarget.value)}
        >
          {fixes.map(({ name, label, about }) => (
            <option key={name} value={name}>
              {label}: {about}
            </option>
          ))}
        </select>
        <button
          type="button"
          class="button"
          data-cw="try"
          disabled={!live}
          title={live ? "Run the model with this change (T)" : shown.why}
          onClick={attempt}
        >
          Try fix
        </button>
        {!live && <span class="quiet">needs the kernel</span>}
      </div>
      <Table
        name="tried"
        title="Fixes that were tried"
        {...{ columns, rows: tried.length }}
        keyOf={(row) => tried[row]?.fix ?? row}
        order=""
        empty={`No fix of ${partSaid(part)} has been tried in this case.`}
      />
      <Transfers rows={rows} part={part} />
    </>
  );
}

/** Whether it is out of line; one that is not is looked into where changing it promises much. */
function foundSaid({ kinds, threshold }: FailureRows, { type, z, q }: Found): string {
  const far = `z ${fixed(z, 1)}, ${findsSaid(q)}`;
  if (q <= threshold) return `${labelOf(kinds, type)}, ${far}`;
  return `in line (${far}), tried as changing it promises much`;
}

/** Before a case is looked into it has no type, and no part of it is known to be in line. */
function notFoundSaid({ cases }: FailureRows, at: number): string {
  return cases.type[at] ? "in line in this case" : "not looked into yet";
}

function Transfers({ rows, part }: { rows: FailureRows; part: string }) {
  const found = rows.transfers.filter((one) => one.part === part);
  if (found.length === 0) return null;
  return (
    <p class="quiet" data-cw="transfers">
      {found.map(({ fix, back, low, high, interval, control, said }) => (
        <span key={fix}>
          On other cases {labelOf(rows.fixes, fix)} brings back <b>{percent(back)}</b>
          {isThere(low) && ` (${interval} ${percent(low)} to ${percent(high)})`}, the control{" "}
          {percent(control)}; {said}.{" "}
        </span>
      ))}
    </p>
  );
}

function columnsOf(rows: FailureRows, tried: readonly Tried[], at: number): TableColumn[] {
  const before = rows.cases.pExpected[at];
  return [
    {
      ...{ kind: "text", name: "fix", label: "fix" },
      values: tried.map(({ fix }) => labelOf(rows.fixes, fix)),
      strong: (row) => tried[row]?.helped ?? false,
      about: "Bold: it brought something back, and more than the control did. + was tried here.",
      note: (row) => (tried[row]?.byHand ? "+" : ""),
      said: (row) => rows.fixes.find(({ name }) => name === tried[row]?.fix)?.about ?? "",
    },
    {
      ...{ kind: "text", name: "p", label: "p expected" },
      values: tried.map(({ pExpected }) => `${fixed(before)} → ${fixed(pExpected)}`),
      about: "Probability of the expected tokens together, before and after.",
    },
    {
      ...{ kind: "text", name: "predicted", label: "predicts" },
      values: tried.map(({ predicted }) => quoted(predicted)),
      about: "The likeliest token after the fix.",
      said: (row) => `p ${fixed(tried[row]?.pPredicted)}`,
    },
    {
      ...{ kind: "number", name: "back", label: "brought back", values: tried.map((t) => t.back) },
      write: percent,
      about: "Which share of what was lost came back, in log odds of the expected token.",
    },
    {
      ...{ kind: "number", name: "control", label: "control", values: tried.map((t) => t.control) },
      write: percent,
      about: "The most that the same change brings back in other parts, drawn at random.",
      said: (row) => tried[row]?.controlAbout ?? "",
    },
  ];
}
