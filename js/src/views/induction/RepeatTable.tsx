// The repeated tokens of a text, with what an induction head makes of each.
import { useMemo } from "preact/hooks";
import { fixed } from "../../draw/number";
import { type HeadAt, nameOf } from "../../model/address";
import { Table } from "../../parts/Table";
import type { TableColumn } from "../../parts/table-columns";
import type { Sorting } from "../sorting";
import type { InductionRows } from "./rows";

interface Props {
  rows: InductionRows;
  head: number;
  word: (position: number) => string;
  chosen: number;
  choose: (row: number) => void;
  point: (row: number | null) => void;
  chooseHead: (head: HeadAt) => void;
  sorting: Sorting;
}

export function RepeatTable(props: Props) {
  const { rows, head, word, chosen, choose, point, chooseHead, sorting } = props;
  const columns = useMemo(() => columnsOf(rows, head, word), [rows, head]);
  return (
    <Table
      name="repeats"
      title={
        <select
          aria-label="Induction head"
          value={String(head)}
          onChange={(event) => chooseHead(rows.heads[Number(event.currentTarget.value)] as HeadAt)}
        >
          {rows.heads.map((at, i) => (
            <option key={nameOf(at)} value={String(i)}>
              {nameOf(at)}
            </option>
          ))}
        </select>
      }
      label="Repeated tokens"
      columns={columns}
      rows={rows.repeats.position.length}
      order="in order of the text"
      {...sorting}
      selected={chosen}
      select={choose}
      point={point}
      fill
    />
  );
}

function columnsOf(
  { repeats }: InductionRows,
  head: number,
  word: (position: number) => string,
): TableColumn[] {
  const { position, earlier, chance, probability, predicted } = repeats;
  const [attention, added] = [repeats.attention[head] ?? [], repeats.added[head] ?? []];
  const other = repeats.addedOther[head];
  const at = (row: number) => position[row] ?? 0;
  const then = (row: number) => (earlier[row] ?? 0) + 1;
  const rows = Array.from(position, (_, row) => row);
  return [
    {
      ...{ kind: "text", name: "token", label: "token" },
      values: rows.map((row) => word(at(row))),
      note: (row) => String(at(row)),
    },
    {
      ...{ kind: "text", name: "then", label: "followed earlier by" },
      about: "The token after the earlier occurrence, with its position.",
      values: rows.map((row) => word(then(row))),
      note: (row) => String(then(row)),
    },
    {
      ...{ kind: "number", name: "attention", label: "attention", values: attention, strong: true },
      about:
        "The head's attention from the token to what followed it earlier. The small number is what equal attention to all tokens would give.",
      note: (row) => fixed(chance[row]),
    },
    {
      ...{ kind: "number", name: "added", label: "raises logit by", values: added, strong: true },
      about:
        "What the head adds to the logit of the token that followed earlier. The small number is for other tokens of the text.",
      note: (row) => fixed(other?.[row]),
    },
    {
      ...{ kind: "number", name: "p", label: "p", values: probability },
      about:
        "The model's probability of the token that followed earlier. Bold: it is the model's first choice.",
      strong: (row) => predicted[row] === 1,
    },
    {
      ...{ kind: "flag", name: "follows", label: "repeats here?", values: repeats.follows },
      about: "Whether the same token follows here again.",
    },
  ];
}
