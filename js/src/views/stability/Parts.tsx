// Which heads, MLPs and roles are in the circuits of all models, and which in some only.
import type { ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { fixed, interval, isThere } from "../../draw/number";
import type { Theme } from "../../draw/theme";
import { Heat } from "../../parts/Heat";
import { Table } from "../../parts/Table";
import type { TableColumn } from "../../parts/table-columns";
import type { Sorting } from "../sorting";
import type { ModelsRows } from "./models-rows";
import { estimate } from "./Overlap";

/** Of so many models each has a column of its own. */
const FEW = 4;

interface Props extends Sorting {
  rows: ModelsRows;
  part: string;
  choosePart: (name: string) => void;
}

export function Parts({ rows, part, choosePart, sort, setSort }: Props) {
  const names = rows.parts.table.texts("name");
  const columns = useMemo(() => columnsOf(rows), [rows]);
  const heads = rows.facts[0];
  return (
    <>
      <Table
        name="parts"
        title="Heads and MLPs of the circuits"
        {...{ columns, sort, setSort, rows: names.length }}
        keyOf={(row) => names[row] ?? row}
        selected={names.includes(part) ? names.indexOf(part) : null}
        select={(row) => choosePart(names[row] === part ? "" : (names[row] ?? ""))}
        order=""
        empty={
          rows.sameParts
            ? "No circuit has any head or MLP."
            : "The models have different parts: see their roles."
        }
        fill
      />
      {heads && isThere(heads.value) && (
        <p class="quiet" data-cw="in-every" title={heads.about}>
          <b>{fixed(heads.value, 0)}</b> {heads.value === 1 ? "head is" : "heads are"} in every
          circuit; with heads in random places it would be {fixed(heads.null)}.
        </p>
      )}
    </>
  );
}

interface RolesProps {
  rows: ModelsRows;
  theme: ReadonlySignal<Theme>;
}

/** Which share of what a circuit's heads write is of heads that attend in each way. */
export function Roles({ rows, theme }: RolesProps) {
  const { roles, roleMass: mass, roleDepth, roleNames, members } = rows;
  const models = members.name;
  const shown = useMemo(() => {
    const all = roleNames.flatMap((_, role) => models.map((_, at) => [role, at] as const));
    const values = Float32Array.from(all, ([role, at]) => mass.value.at(at, role));
    const faint = Uint8Array.from(all, ([role, at]) =>
      mass.value.at(at, role) > (mass.bar?.at(at, role) ?? Number.NEGATIVE_INFINITY) ? 0 : 1,
    );
    const marks = new Map(Array.from(values, (value, at) => [at, fixed(value)] as const));
    return { cells: { rows: roleNames.length, cols: models.length, values, faint }, marks };
  }, [mass, roleNames, models]);
  const names = useMemo(() => roleNames.map((name) => name.replaceAll("_", " ")), [roleNames]);
  const stands = useMemo(() => {
    const share = roles.table.estimates("share").value;
    const known = roles.table.texts("name").map((name, row) => [name, share[row] ?? 0] as const);
    return new Map(known);
  }, [roles]);
  return (
    <Heat
      name="role-mass"
      label="Roles of the circuits' heads (rows) in each model (columns)."
      title={<h3>Roles of the circuits' heads</h3>}
      theme={theme}
      rows={{ label: "role", names, letters: 15 }}
      cols={{ label: "model", names: models }}
      cells={shown.cells}
      {...(models.length > 2 * FEW ? {} : { marks: shown.marks })}
      scale={MASS}
      said={(role, at) => {
        const random = mass.null?.at(at, role);
        const than = isThere(random) ? `, heads in random places ${fixed(random)}` : "";
        const depth = role < (roleDepth?.info.cols.n ?? 0) ? roleDepth?.at(at, role) : null;
        const where = isThere(depth) ? `; depth ${fixed(depth)}` : "";
        const often = outOf(stands.get(roleNames[role] ?? "") ?? 0, models.length);
        return `${names[role]} in ${models[at]}: ${estimate(mass, at, role)}${than}${where}; stands out in ${often}`;
      }}
      idle="Share of what the heads write; faint: not above heads in random places."
    />
  );
}

const MASS = { least: 0, most: 1, signed: false, unit: "share" } as const;

function columnsOf({ members, parts: { table, draws } }: ModelsRows): TableColumn[] {
  const names = table.texts("name");
  const share = table.estimates("share");
  const models = members.name;
  const drawn = (row: number, at: number) => fixed(draws.at(row, at));
  return [
    {
      ...{ kind: "text", name: "name", label: "part", values: names, strong: true },
      said: (row) => models.map((name, at) => `${name}: ${drawn(row, at)} of the draws`).join(", "),
    },
    {
      ...{ kind: "number", name: "share", label: "in circuits", values: share.value },
      write: (value) => outOf(value ?? 0, models.length),
      about: `In how many of the circuits it is; beside it the ${share.interval} of that share, by drawing other prompts.`,
      // An interval of no width says nothing.
      note: (row) =>
        share.low?.[row] === share.high?.[row] ? "" : interval(share.low?.[row], share.high?.[row]),
      strong: (row) => share.value[row] === 1,
    },
    {
      ...{ kind: "number", name: "chance", label: "by chance", values: share.null ?? [] },
      about: "The share if the heads of each layer were in random places; an MLP has no other.",
    },
    ...(models.length > FEW ? [] : models).map(
      (name, at): TableColumn => ({
        ...{ kind: "number", name: `draws${at}`, label: name },
        values: names.map((_, row) => draws.at(row, at)),
        about: `In which share of the draws of other prompts it is in the circuit of ${name}.`,
      }),
    ),
  ];
}

const outOf = (share: number, n: number): string => `${Math.round(share * n)} of ${n}`;
