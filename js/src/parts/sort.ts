// What a table is sorted by, as a word that a parameter can hold: "path", or "-path" for highest first.

export interface Sort {
  column: string;
  descending: boolean;
}

export function sortOf(word: string): Sort | null {
  if (word === "") return null;
  return word.startsWith("-")
    ? { column: word.slice(1), descending: true }
    : { column: word, descending: false };
}

export function wordOf({ column, descending }: Sort): string {
  return `${descending ? "-" : ""}${column}`;
}

type Value = number | boolean | string | null | undefined;

// "2.1" comes before "10.1".
const words = new Intl.Collator("en", { numeric: true });

/** Row numbers in order; what is missing comes last either way, and equal rows stay as they were. */
export function sortedRows(values: ArrayLike<Value>, rows: number, descending: boolean): number[] {
  const missing = (row: number) => {
    const value = values[row];
    return value === null || value === undefined || Number.isNaN(value) || value === "";
  };
  const compare = (a: Value, b: Value): number =>
    typeof a === "string" ? words.compare(a, String(b)) : Number(a) - Number(b);
  const sign = descending ? -1 : 1;
  return Array.from({ length: rows }, (_, row) => row).sort((a, b) => {
    const [noA, noB] = [missing(a), missing(b)];
    if (noA || noB) return Number(noA) - Number(noB) || a - b;
    return sign * compare(values[a], values[b]) || a - b;
  });
}
