// Which two checkpoints are shown: parameters that Python reads and sets, as steps of the training.
import { useEffect } from "preact/hooks";
import type { Session } from "../../model/session";
import { nearest, type TrainingRows } from "./training-rows";

export interface Shown {
  rows: TrainingRows;
  /** The checkpoint that is scrubbed, and the one beside it, by their numbers. */
  at: number;
  other: number;
  setAt: (at: number) => void;
  setOther: (at: number) => void;
  /** Whether the page's author has locked them. */
  fixed: { at: boolean; other: boolean };
}

const STEP = "stability.step";
const OTHER = "stability.other";

export function useSteps(session: Session, rows: TrainingRows): Shown {
  const { params, commands } = session;
  const { steps } = rows;
  const [last, step, other] = [
    steps.length - 1,
    params.number(STEP).value,
    params.number(OTHER).value,
  ];
  const at = (value: number) => (Number.isNaN(value) ? last : nearest(steps, value));
  const setter = (name: string) => (to: number) =>
    params.set(name, steps[Math.min(last, Math.max(0, to))] ?? 0);
  const [setAt, setOther] = [setter(STEP), setter(OTHER)];
  useEffect(() => {
    const go = (name: string, by: number) => () => {
      const from = nearest(steps, params.number(name).peek());
      setter(name)(from + by);
    };
    const ends = [
      commands.add({
        ...{ id: "checkpoint.next", label: "next and previous checkpoint", short: "checkpoint" },
        ...{ keys: ["KeyJ"], shown: "J K", run: go(STEP, 1) },
      }),
      commands.add({
        ...{ id: "checkpoint.previous", label: "next and previous checkpoint" },
        ...{ short: "checkpoint", keys: ["KeyK"], shown: "J K", run: go(STEP, -1) },
      }),
      commands.add({
        ...{ id: "checkpoint.other.next", label: "the same of the other checkpoint" },
        ...{ keys: ["Shift+KeyJ"], shown: "Shift + J K", run: go(OTHER, 1) },
      }),
      commands.add({
        ...{ id: "checkpoint.other.previous", label: "the same of the other checkpoint" },
        ...{ keys: ["Shift+KeyK"], shown: "Shift + J K", run: go(OTHER, -1) },
      }),
    ];
    return () => {
      for (const end of ends) end();
    };
  }, [commands, params, steps]);
  const locked = (name: string) => params.control(name)?.locked ?? false;
  const fixed = { at: locked(STEP), other: locked(OTHER) };
  return { rows, at: at(step), other: at(other), setAt, setOther, fixed };
}
