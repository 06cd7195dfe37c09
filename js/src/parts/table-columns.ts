// What a table's columns are, and what stands in a cell.
import { fixed, interval, isThere } from "../draw/number";

interface Heading {
  name: string;
  label: string;
  /** What the column is, in a sentence. */
  about?: string;
  strong?: boolean | ((row: number) => boolean);
  /** What else stands in the cell, small. */
  note?: (row: number) => string;
  /** What is said when one points at the cell. */
  said?: (row: number) => string;
}

export interface NumberColumn extends Heading {
  kind: "number";
  /** NaN or null: missing. */
  values: ArrayLike<number | null>;
  digits?: number;
  write?: (value: number | null | undefined) => string;
  /** An interval around each value. */
  low?: ArrayLike<number | null> | null;
  high?: ArrayLike<number | null> | null;
}

export interface TextColumn extends Heading {
  kind: "text";
  values: ArrayLike<string | null>;
  /** In the face of the text: tokens. */
  token?: boolean;
}

export interface FlagColumn extends Heading {
  kind: "flag";
  values: ArrayLike<number | boolean | null>;
  /** Without: "yes" and "no". */
  words?: readonly [yes: string, no: string];
}

export type TableColumn = NumberColumn | TextColumn | FlagColumn;

export function cellText(column: TableColumn, row: number): string {
  if (column.kind === "number") {
    const value = column.values[row];
    return column.write ? column.write(value) : fixed(value, column.digits);
  }
  if (column.kind === "text") return column.values[row] ?? "–";
  const value = column.values[row];
  if (value === null || value === undefined) return "–";
  const [yes, no] = column.words ?? ["yes", "no"];
  return value ? yes : no;
}

export function cellNote(column: TableColumn, row: number): string {
  const given = column.note?.(row) ?? "";
  if (column.kind !== "number" || !isThere(column.values[row])) return given;
  const span = interval(column.low?.[row], column.high?.[row], column.digits);
  return [span, given].filter(Boolean).join(" ");
}

export function cellClass(column: TableColumn, row: number): string {
  const strong = typeof column.strong === "function" ? column.strong(row) : column.strong;
  const token = column.kind === "text" && column.token;
  return [column.kind === "number" && "number", strong && "strong", token && "token"]
    .filter(Boolean)
    .join(" ");
}
