// What of the flow between layers is shown, from the parameters that Python reads and sets.
import { useMemo } from "preact/hooks";
import type { Session } from "../../model/session";
import { layersGraph } from "./graph";
import { countAbove, type LayersRows, type Level, thresholdOf } from "./rows";

export const TO = " → ";
/** So many flows the slider can show at least, and times those above the threshold. */
const LEAST_SHOWN = 60;
const TIMES = 4;

export type Subject =
  | { kind: "flow"; name: string; flow: number }
  | { kind: "part"; name: string; part: number }
  | { kind: "level"; name: string; level: Level };

export type Shown = ReturnType<typeof useShown>;

export function useShown(session: Session, rows: LayersRows) {
  const { params } = session;
  const given = params.number("layers.least").value;
  const least = Number.isNaN(given) ? rows.first : given;
  const word = params.choice("layers.selected").value;
  const graph = useMemo(() => layersGraph(rows), [rows]);
  const count = countAbove(rows, least);
  const most = Math.min(
    rows.flows.source.length,
    Math.max(LEAST_SHOWN, TIMES * countAbove(rows, rows.first), count),
  );
  const subject = useMemo(() => subjectOf(rows, word), [rows, word]);
  const select = (name: string) => params.set("layers.selected", name);
  const flowName = (flow: number) =>
    `${rows.parts.name[rows.flows.source[flow] ?? 0]}${TO}${rows.parts.name[rows.flows.target[flow] ?? 0]}`;
  return {
    ...{ rows, graph, least, count, subject, select },
    /** Whether anything was selected; else the view opens on what is worth a look. */
    chosen: word !== "",
    slider: {
      name: "least",
      label: "Threshold",
      about: "Flows that are weaker, either sign, are hidden.",
      locked: params.control("layers.least")?.locked ?? false,
      least: 0,
      most,
      step: 1,
      /** To the right the threshold rises, and fewer flows are above it. */
      value: most - count,
      set: (at: number) => params.set("layers.least", thresholdOf(rows, most - at)),
    },
    reset: () => params.set("layers.least", rows.first),
    chooseFlow: (flow: number) => select(flowName(flow)),
    choosePart: (part: number) => select(rows.parts.name[part] ?? ""),
  };
}

/** Where nothing is selected the strongest flow that heads write; null: there is no such thing. */
export function subjectOf(rows: LayersRows, word: string): Subject | null {
  const { name } = rows.parts;
  const { source, target } = rows.flows;
  const level = rows.levels.find((each) => each.name === word);
  if (level) return { kind: "level", name: word, level };
  const part = name.indexOf(word);
  if (part >= 0) return { kind: "part", name: word, part };
  const flow =
    word === ""
      ? Math.max(
          0,
          Array.from(source).findIndex((from) => rows.parts.kind[from] === "attn"),
        )
      : Array.from(source).findIndex(
          (from, at) => `${name[from]}${TO}${name[target[at] ?? 0]}` === word,
        );
  if (flow < 0 || source.length === 0) return null;
  return {
    kind: "flow",
    name: `${name[source[flow] ?? 0]}${TO}${name[target[flow] ?? 0]}`,
    flow,
  };
}
