// What is selected in the failure browser: a case, and one of its parts.
import { useEffect, useMemo, useRef } from "preact/hooks";
import { nameOf } from "../../model/address";
import type { Session } from "../../model/session";
import { type FailureRows, type Filter, headOf, passing } from "./rows";

export interface Shown {
  rows: FailureRows;
  /** Cases that pass the filter. */
  passed: readonly number[];
  filter: Filter;
  /** The case on show. */
  at: number;
  chooseCase: (at: number) => void;
  /** "1.2" or "1.mlp". */
  part: string;
  choosePart: (part: string) => void;
  /** Whether the kernel can be asked now, else why not. */
  live: boolean;
  why: string;
}

const NO_KERNEL = "This needs the kernel: run the cell again.";
const NO_MODEL = "This needs the model, which is not included in this page.";

export function useShown(session: Session, rows: FailureRows): Shown {
  const { params } = session;
  const type = params.choice("failures.type").value;
  const layer = params.choice("failures.layer").value;
  const least = params.number("failures.score").value;
  const filter = useMemo(() => ({ type, layer, least }), [type, layer, least]);
  const passed = useMemo(() => passing(rows, filter), [rows, filter]);
  const asked = params.number("failures.case").value;
  const at = Math.min(Number.isNaN(asked) ? 0 : asked, Math.max(0, rows.cases.n - 1));
  const head = nameOf(session.head.value);
  const mlp = params.choice("failures.part").value;
  const before = useRef(head);
  useEffect(() => {
    // Keys and other views select heads: then no MLP is selected any more.
    if (before.current !== head) params.set("failures.part", "");
    before.current = head;
  }, [params, head]);
  const choosePart = (part: string): void => {
    const place = headOf(part);
    if (!place && part) params.set("failures.part", part);
    if (!place) return;
    params.set("failures.part", "");
    session.select({ layer: place[0], head: place[1] }, "failures");
  };
  const chooseCase = (at: number): void => {
    params.set("failures.case", at);
    choosePart(rows.cases.part[at] ?? "");
  };
  const gone = session.baked ? NO_MODEL : session.client.alive.value === "no" ? NO_KERNEL : "";
  const live = session.text.value.live && gone === "" && rows.missing === "";
  const why = gone || rows.missing;
  return { rows, passed, filter, at, chooseCase, part: mlp || head, choosePart, live, why };
}

/** J and K go through the cases that pass, T tries the fix, / leads to the new case's field. */
export function useKeys(session: Session, shown: Shown, attempt: () => void): void {
  const latest = useRef({ shown, attempt });
  latest.current = { shown, attempt };
  useEffect(() => {
    const { commands } = session;
    const step = (by: number) => (): void => {
      const { passed, at, chooseCase } = latest.current.shown;
      const next = passed[Math.min(passed.length - 1, Math.max(0, passed.indexOf(at) + by))];
      if (next !== undefined) chooseCase(next);
    };
    const some = { label: "next and previous case", short: "case", shown: "J K" };
    const ends = [
      commands.add({ id: "case.next", ...some, keys: ["KeyJ"], run: step(1) }),
      commands.add({ id: "case.previous", ...some, keys: ["KeyK"], run: step(-1) }),
      commands.add({
        id: "fix.try",
        ...{ label: "try the fix", short: "try the fix", keys: ["KeyT"], shown: "T" },
        when: () => latest.current.shown.live,
        run: () => latest.current.attempt(),
      }),
    ];
    return () => {
      for (const end of ends) end();
    };
  }, [session]);
}
