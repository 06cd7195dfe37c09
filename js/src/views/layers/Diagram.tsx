// Layers from the embedding up to the output, and the flows between them above a threshold.
import type { ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { GraphItem } from "../../draw/graph-find";
import { drawLit } from "../../draw/graph-lit";
import type { Theme } from "../../draw/theme";
import { Graph } from "../../parts/Graph";
import { Slider } from "../../parts/Slider";
import { bandsOf } from "./graph";
import type { Shown } from "./state";
import { boundSaid, flowSaid, levelSaid, partSaid, thresholdSaid } from "./words";

export function Diagram({ shown, theme }: { shown: Shown; theme: ReadonlySignal<Theme> }) {
  const { rows, graph, least, count, subject } = shown;
  const bands = useMemo(() => bandsOf(rows), [rows]);
  const most = Math.abs(rows.flows.strength.value[0] ?? 1);
  const said = ({ kind, at }: GraphItem) =>
    kind === "edge" ? flowSaid(rows, at) : partSaid(rows, at, least);
  return (
    <>
      <div class="toolbar">
        <Slider {...shown.slider} shown={thresholdSaid(rows, least, count)} />
        <span class="quiet" data-cw="bound">
          {boundSaid(rows, least)}
        </span>
        {Math.abs(least - rows.first) > 1e-3 * rows.first && (
          <button type="button" class="button" onClick={shown.reset}>
            reset
          </button>
        )}
      </div>
      {bands.length > 0 && (
        <div class="toolbar levels" role="group" aria-label="Levels">
          <span class="quiet">Levels</span>
          {rows.levels.slice(1, -1).map((level) => (
            <button
              type="button"
              class="button"
              key={level.name}
              aria-pressed={subject?.name === level.name}
              title={levelSaid(rows, level)}
              onClick={() => shown.select(level.name)}
            >
              {level.name} {level.first - 1}–{level.last - 1}
            </button>
          ))}
        </div>
      )}
      <Graph
        name="flow"
        label="Flow between layers, from the embedding (below) to the output (above): attention left, MLPs right."
        {...{ data: graph, theme, most, least, said, bands }}
        unit={`strength: what the ${rows.metric} loses without the flow`}
        signed
        lit={drawLit}
        node={subject?.kind === "part" ? subject.part : null}
        edge={
          shown.chosen && subject?.kind === "flow" && subject.flow < count ? subject.flow : null
        }
        chooseEdge={shown.chooseFlow}
        chooseNode={shown.choosePart}
        chooseBand={(band) => shown.select(bands[band]?.label ?? "")}
        chooseNothing={() => shown.select("")}
      />
    </>
  );
}
