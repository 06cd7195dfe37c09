// What a table of a view is sorted by: a parameter, which Python and a saved notebook know.
import type { Session } from "../model/session";
import { type Sort, sortOf, wordOf } from "../parts/sort";

export interface Sorting {
  sort: Sort | null;
  setSort: (sort: Sort) => void;
}

/** name: of the parameter; first: its word until somebody sorts otherwise ("-share"). */
export function sorting({ params }: Session, name: string, first: string): Sorting {
  return {
    sort: sortOf(params.choice(name).value || first),
    setSort: (sort) => params.set(name, wordOf(sort)),
  };
}
