// The strongest paths: the product of what their steps contribute.
import { useMemo } from "preact/hooks";
import { labelText } from "../../draw/label";
import { shortNumber } from "../../draw/number";
import { nameOf } from "../../model/address";
import { Table } from "../../parts/Table";
import type { TableColumn } from "../../parts/table-columns";
import type { Sorting } from "../sorting";
import { moves, type Path } from "./rows";

interface Props extends Sorting {
  paths: readonly Path[];
  tokens: readonly string[];
  chosen: number;
  choose: (path: number) => void;
}

export function Paths({ paths, tokens, chosen, choose, sort, setSort }: Props) {
  const columns = useMemo<TableColumn[]>(
    () => [
      {
        kind: "number",
        name: "share",
        label: "share",
        about: "The product of the contributions of its steps: its share of the residual stream.",
        values: paths.map(({ share }) => share),
        write: shortNumber,
        strong: true,
      },
      {
        kind: "text",
        name: "path",
        label: "path",
        about:
          "Where it begins, and the head that carries most of each step to another position, with its part of the step where other heads carry some of it.",
        values: paths.map((path) => inWords(path, tokens)),
      },
    ],
    [paths, tokens],
  );
  return (
    <Table
      name="paths"
      title="Strongest paths by route (not causal)"
      {...{ columns, rows: paths.length, selected: chosen, select: choose, sort, setSort }}
      empty="No path was found."
      fill
    />
  );
}

/** Where a path begins, and each head that moves it on. */
function inWords(path: Path, tokens: readonly string[]): string {
  const token = (i: number) => `${labelText(tokens[i] ?? "", 14).trim()} (${i})`;
  const start = token(path.steps[0]?.source ?? 0);
  const moved = moves(path);
  if (moved.length === 0) return `${start} stays in its residual stream`;
  return moved.reduce(
    (text, { head, part, target }) =>
      `${text} –${head ? nameOf(head) : ""}${inPart(part)}→ ${token(target)}`,
    start,
  );
}

/** What a head carries of a step, where it does not carry all of it. */
function inPart(part: number): string {
  return part < 0.995 ? `\u00a0${Math.round(100 * part)}%` : "";
}
