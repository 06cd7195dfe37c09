// A table's rows: pointed at, clicked, or walked through by keys.
import { cellClass, cellNote, cellText, type TableColumn } from "./table-columns";

interface Props {
  columns: readonly TableColumn[];
  /** Rows of the data in the order in which they are shown. */
  shown: readonly number[];
  keyOf: (row: number) => string | number;
  selected: number | null;
  select?: ((row: number) => void) | undefined;
  point?: ((row: number | null) => void) | undefined;
}

const PAGE = 8;
const KEYS = "ArrowUp ArrowDown PageUp PageDown Home End Enter Space";

export function Body({ columns, shown, keyOf, selected, select, point }: Props) {
  // Tab leads to the selected row, else to the first; the arrow keys lead on from there.
  const entry = selected !== null && shown.includes(selected) ? selected : shown[0];
  const rowAt = (target: EventTarget | null): number | null => {
    const row = (target as Element | null)?.closest<HTMLElement>("tr[data-row]")?.dataset.row;
    return row === undefined ? null : Number(row);
  };
  return (
    <tbody
      data-keys={KEYS}
      onMouseOver={(event) => point?.(rowAt(event.target))}
      onMouseLeave={() => point?.(null)}
      onFocusCapture={(event) => point?.(rowAt(event.target))}
      onBlurCapture={() => point?.(null)}
      onClick={(event) => {
        const row = rowAt(event.target);
        if (row !== null) select?.(row);
      }}
      onKeyDown={(event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
        const row = rowAt(event.target);
        if (row === null) return;
        if (event.code === "Enter" || event.code === "Space") select?.(row);
        else {
          const to = walk(event.code, shown.indexOf(row), shown.length);
          if (to === null) return;
          const rows = event.currentTarget.querySelectorAll<HTMLElement>("tr[data-row]");
          rows[to]?.focus();
          rows[to]?.scrollIntoView?.({ block: "nearest" });
        }
        event.preventDefault();
        event.stopPropagation();
      }}
    >
      {shown.map((row, at) => (
        <tr
          key={keyOf(row)}
          data-row={row}
          aria-rowindex={at + 2}
          aria-selected={row === selected}
          tabIndex={row === entry ? 0 : -1}
        >
          {columns.map((column) => {
            const note = cellNote(column, row);
            return (
              <td key={column.name} class={cellClass(column, row)} title={column.said?.(row)}>
                {cellText(column, row)}
                {note && <small> {note}</small>}
              </td>
            );
          })}
        </tr>
      ))}
    </tbody>
  );
}

/** Where a key leads from a row; null: the key is not the table's. */
function walk(code: string, from: number, rows: number): number | null {
  const by = { ArrowUp: -1, ArrowDown: 1, PageUp: -PAGE, PageDown: PAGE }[code];
  if (code === "Home") return 0;
  if (code === "End") return rows - 1;
  return by === undefined ? null : Math.min(rows - 1, Math.max(0, from + by));
}
