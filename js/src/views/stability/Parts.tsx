// Which heads, MLPs and roles are in the circuits of all models, and which in some only.
import { useMemo } from "preact/hooks";
import { fixed, interval, isThere } from "../../draw/number";
import { Table } from "../../parts/Table";
import type { TableColumn } from "../../parts/table-columns";
import type { Sorting } from "../sorting";
import type { ModelsRows, Parts as PartsRows } from "./models-rows";

export function Parts({ rows, sort, setSort }: Sorting & { rows: ModelsRows }) {
  const { name } = rows.members;
  const columns = useMemo(
    () => columnsOf(rows, rows.parts, rows.parts.table.texts("name")),
    [rows],
  );
  return (
    <Table
      name="parts"
      title="Heads and MLPs of the circuits"
      {...{ columns, sort, setSort, rows: rows.parts.table.rows }}
      order="those in every circuit first"
      empty={
        rows.sameParts
          ? "No circuit has any head or MLP."
          : `The ${name.length} models have different parts: see roles.`
      }
      fill
    />
  );
}

export function Roles({ rows }: { rows: ModelsRows }) {
  const { roles, roleMass, roleDepth, roleNames, members } = rows;
  const columns = useMemo<TableColumn[]>(() => {
    const mass = (role: number, model: number) => roleMass.value.at(model, role);
    const stands = new Map(roles.table.texts("name").map((name, row) => [name, row]));
    const share = roles.table.estimates("share");
    return [
      {
        ...{ kind: "text", name: "role", label: "role" },
        values: roleNames.map((name) => name.replaceAll("_", " ")),
      },
      ...members.name.map((name, model): TableColumn => {
        const { low, high, null: chance } = roleMass;
        return {
          ...{ kind: "number", name: `mass${model}`, label: name },
          about: `Which share of what the heads of its circuit write is of heads that attend so, with the ${members.interval}; in brackets the same with heads in random places.`,
          values: roleNames.map((_, role) => mass(role, model)),
          low: roleNames.map((_, role) => low?.at(model, role) ?? Number.NaN),
          high: roleNames.map((_, role) => high?.at(model, role) ?? Number.NaN),
          note: (role) => (chance ? `[${fixed(chance.at(model, role))}]` : ""),
          said: (role) => {
            const depth =
              roleDepth && role < roleDepth.info.cols.n ? roleDepth.at(model, role) : Number.NaN;
            return isThere(depth)
              ? `Depth of these heads: ${fixed(depth)} (0 the first layer, 1 the last)`
              : "";
          },
        };
      }),
      {
        ...{ kind: "text", name: "stands", label: "stands out in" },
        about: "In which share of the circuits the role is more than with heads in random places.",
        values: roleNames.map((name) => {
          const row = stands.get(name);
          return row === undefined ? "none" : outOf(share.value[row] ?? 0, members.name.length);
        }),
      },
    ];
  }, [roles, roleMass, roleDepth, roleNames, members]);
  return (
    <Table
      name="roles"
      title="Roles of the circuits' heads"
      {...{ columns, rows: roleNames.length }}
    />
  );
}

function columnsOf(
  { members }: ModelsRows,
  { table, draws }: PartsRows,
  names: readonly string[],
): TableColumn[] {
  const share = table.estimates("share");
  const n = members.name.length;
  return [
    { kind: "text", name: "name", label: "part", values: names, strong: true },
    {
      ...{ kind: "number", name: "share", label: "in circuits", values: share.value },
      write: (value) => outOf(value ?? 0, n),
      about: `In how many of the circuits it is; beside it the ${share.interval} of that share, by drawing other prompts.`,
      note: (row) => interval(share.low?.[row], share.high?.[row]),
      strong: (row) => share.value[row] === 1,
    },
    {
      ...{ kind: "number", name: "chance", label: "by chance" },
      values: share.null ?? [],
      about:
        "The share if the heads of each layer were in random places; an MLP has no other place.",
    },
    ...members.name.map(
      (name, model): TableColumn => ({
        ...{ kind: "number", name: `draws${model}`, label: name },
        values: names.map((_, row) => draws.at(row, model)),
        about: `In which share of the draws of other prompts it is in the circuit of ${name}.`,
      }),
    ),
  ];
}

const outOf = (share: number, n: number): string => `${Math.round(share * n)} of ${n}`;
