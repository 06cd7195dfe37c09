// Views of one page that select together: heads and edges of one model, cells of one text.
import type { Traits } from "../../wire/traits";
import type { PagePort } from "./port";

const LINKED = {
  selected_head: "heads",
  selected_edge: "heads",
  selected_cell: "cells",
} as const;

/** What a view is linked by: others with the same names follow it. "": by nothing. */
export interface Linked {
  port: PagePort;
  heads: string;
  cells: string;
}

export function link(views: readonly Linked[]): void {
  for (const one of views) {
    const follow = <K extends keyof Traits>(name: K, value: Traits[K]) => {
      if (!(name in LINKED)) return;
      const by = LINKED[name as keyof typeof LINKED];
      for (const other of views)
        if (other !== one && one[by] !== "" && other[by] === one[by]) other.port.take(name, value);
    };
    one.port.onSet = follow;
  }
}
