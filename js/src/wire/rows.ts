// Rows of a table as plain objects, where a view reads a few rows rather than columns.
import type { HeadAt } from "../model/address";
import type { Table, Topic } from "./blocks";

/** One row; null is missing. */
export class Row {
  constructor(
    private readonly table: Table,
    private readonly at: number,
  ) {}

  /** NaN: missing. */
  number(name: string): number {
    return this.table.numbers(name)[this.at] ?? Number.NaN;
  }

  /** -1: missing. */
  int(name: string): number {
    return this.table.ints(name)[this.at] ?? -1;
  }

  text(name: string): string {
    return this.table.texts(name)[this.at] ?? "";
  }

  flag(name: string): boolean {
    return this.table.flags(name)[this.at] === 1;
  }

  head(name: string): HeadAt | null {
    return this.table.heads(name)[this.at] ?? null;
  }

  /** The head of a column that has one in every row. */
  headHere(name: string): HeadAt {
    return this.head(name) ?? [0, 0];
  }

  /** The number, or null where it is missing. */
  known(name: string): number | null {
    const value = this.number(name);
    return Number.isNaN(value) ? null : value;
  }
}

/** No rows where there is no table. */
export function rows<T>(table: Table | null, read: (row: Row) => T): T[] {
  return table ? Array.from({ length: table.rows }, (_, at) => read(new Row(table, at))) : [];
}

/** A number about the model as a whole, with its interval and what it is compared with. */
export interface Fact {
  label: string;
  about: string;
  unit: string;
  value: number | null;
  low: number | null;
  high: number | null;
  interval: string;
  null_label: string;
  null: number | null;
}

export function readFacts(topic: Topic): Fact[] {
  const table = topic.table("facts");
  const interval = table?.of("value", "low")?.about ?? "";
  return rows(table, (row) => ({
    label: row.text("label"),
    about: row.text("about"),
    unit: row.text("unit"),
    value: row.known("value"),
    low: row.known("low"),
    high: row.known("high"),
    interval,
    null_label: row.text("null_label"),
    null: row.known("null"),
  }));
}
