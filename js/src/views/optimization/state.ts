// How many heads are gone, from the parameter that Python reads and sets; keys, and what is copied.
import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { counted } from "../../draw/number";
import type { Session } from "../../model/session";
import { useLatest } from "../../parts/latest";
import { adjusting } from "../adjusting";
import { asPython, goneAt, type OptimizationRows } from "./rows";

const POINT = { label: "Heads pruned", least: 0, step: 1 };
/** Tokens have no use for keys here. */
const KEYS = ["head.", "score.", "pruning.", "help", "back"];
const MORE = { label: "prune more heads, and fewer", short: "prune", shown: "J K" };

export function usePruning(session: Session, rows: OptimizationRows) {
  const { commands, text } = session;
  const { n_layers, n_heads } = text.value;
  const last = Math.max(0, rows.sizes.length - 1);
  const declared = adjusting(session, "optimization.point", {
    ...{ ...POINT, most: last, value: rows.chosen },
  });
  const at = Math.min(last, Math.max(0, Math.round(declared.value)));
  const gone = useMemo(() => goneAt(rows, at), [rows, at]);
  const marks = useMemo(() => {
    const made = new Uint8Array(n_layers * n_heads);
    for (const [layer, head] of gone) made[layer * n_heads + head] = 1;
    return made;
  }, [gone, n_layers, n_heads]);
  const copied = useSignal("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(asPython(gone));
      copied.value = `Copied: a model without ${counted(gone.length, "head")}.`;
    } catch {
      copied.value = "The browser does not let this page copy: select the line above.";
    }
  };
  const step = (by: number) => declared.set(Math.min(last, Math.max(0, at + by)));
  const latest = useLatest({ step, copy });
  useEffect(() => {
    commands.limit(KEYS);
    const add = (id: string, key: string, run: () => void) =>
      commands.add({ ...MORE, id: `pruning.${id}`, keys: [key], run });
    const ends = [
      add("more", "KeyJ", () => latest.peek().step(1)),
      add("fewer", "KeyK", () => latest.peek().step(-1)),
      commands.add({
        ...{ id: "pruning.copy", label: "copy as Python", keys: ["KeyY"], shown: "Y" },
        run: () => void latest.peek().copy(),
      }),
    ];
    return () => {
      for (const end of ends) end();
    };
  }, [commands, latest]);
  return {
    at,
    gone,
    marks,
    copied: copied.value,
    copy,
    slider: { ...declared, value: at, most: last },
  };
}
