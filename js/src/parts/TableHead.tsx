// A table's header: names that sort, and what each column is when one points at it.
import type { Signal } from "@preact/signals";
import type { Sort } from "./sort";
import type { TableColumn } from "./table-columns";

interface Props {
  columns: readonly TableColumn[];
  sort: Sort | null;
  setSort?: ((sort: Sort) => void) | undefined;
  about: Signal<string | null>;
}

export function Head({ columns, sort, setSort }: Props) {
  return (
    <thead>
      <tr aria-rowindex={1}>
        {columns.map((column) => {
          const current = sort?.column === column.name ? sort : null;
          return (
            <th
              key={column.name}
              scope="col"
              class={column.kind === "number" ? "number" : ""}
              aria-sort={current ? (current.descending ? "descending" : "ascending") : "none"}
              title={column.about}
            >
              {setSort ? (
                <button
                  type="button"
                  class={column.about ? "explained" : ""}
                  aria-description={column.about}
                  onClick={() => setSort(next(column, current))}
                >
                  {column.label}
                  <Arrow sort={current} />
                </button>
              ) : (
                <span class={column.about ? "explained" : ""}>
                  {column.label}
                  <Arrow sort={current} />
                </span>
              )}
            </th>
          );
        })}
      </tr>
    </thead>
  );
}

/** Numbers begin with the highest; a second click turns the order round. */
function next({ name, kind }: TableColumn, current: Sort | null): Sort {
  return { column: name, descending: current ? !current.descending : kind !== "text" };
}

function Arrow({ sort }: { sort: Sort | null }) {
  return <i aria-hidden="true">{sort ? (sort.descending ? " ▾" : " ▴") : ""}</i>;
}
