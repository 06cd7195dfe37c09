// The only table: typed columns, a header that stays and says what each column is, rows that stay
// sorted while more of them come in, scrolling inside itself.
//
// Stable props (others may be added, these stay):
//   name, title            data-cw of the table; a heading in words
//   columns                typed values, one a row; `about` is what the header says when pointed at
//   rows, keyOf            how many; a name of a row that stays when rows come in before it
//   sort, setSort          what it is sorted by (parts/sort.ts); without `setSort` nobody can change it
//   order                  in words: how the rows stand while nothing is sorted
//   selected, select       a row number of the data, not of the order
//   point                  the row pointed at or walked to by keys, or null
//   empty                  what is said when there is no row
// It is as high as its rows, at most 320 px; with `fill` as high as what is around it allows.
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId, useMemo } from "preact/hooks";
import { bring } from "../styles";
import sheet from "../styles/table.css";
import { type Sort, sortedRows } from "./sort";
import { Body } from "./TableBody";
import { Head } from "./TableHead";
import type { TableColumn } from "./table-columns";

bring(sheet);

export interface TableProps {
  name: string;
  title?: ComponentChildren;
  label?: string;
  columns: readonly TableColumn[];
  rows: number;
  keyOf?: (row: number) => string | number;
  sort?: Sort | null;
  setSort?: (sort: Sort) => void;
  order?: string;
  selected?: number | null;
  select?: (row: number) => void;
  point?: (row: number | null) => void;
  empty?: ComponentChildren;
  fill?: boolean;
}

export function Table(props: TableProps) {
  const { name, title, columns, rows, sort = null, order = "" } = props;
  const heading = useId();
  const about = useSignal<string | null>(null);
  const by = columns.find((column) => column.name === sort?.column) ?? null;
  const shown = useMemo(
    () => sortedRows(by?.values ?? [], rows, sort?.descending ?? false),
    [by?.values, rows, sort?.descending],
  );
  const said = by && sort ? `sorted by ${by.label}, ${inWords(by, sort)}` : order;
  return (
    <section class={props.fill ? "table fill" : "table"}>
      <h3 id={heading}>
        {title}{" "}
        <span class="quiet" data-cw={`${name}-order`}>
          {rows > 1 ? said : ""}
        </span>
      </h3>
      {rows === 0 && props.empty ? (
        <p class="quiet" data-cw={`${name}-empty`}>
          {props.empty}
        </p>
      ) : (
        <div class="table-scroll">
          <table
            // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: a grid is a table one walks through
            role="grid"
            data-cw={name}
            aria-rowcount={rows + 1}
            {...(props.label ? { "aria-label": props.label } : { "aria-labelledby": heading })}
          >
            <Head columns={columns} sort={sort} setSort={props.setSort} about={about} />
            <Body
              columns={columns}
              shown={shown}
              keyOf={props.keyOf ?? ((row) => row)}
              selected={props.selected ?? null}
              select={props.select}
              point={props.point}
            />
          </table>
        </div>
      )}
    </section>
  );
}

function inWords({ kind }: TableColumn, { descending }: Sort): string {
  if (kind === "number") return descending ? "highest first" : "lowest first";
  if (kind === "flag") return descending ? "yes first" : "no first";
  return descending ? "last first" : "in order";
}
