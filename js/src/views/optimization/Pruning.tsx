// A model that gets smaller: the slider, the loss beside random heads, what it saves, and the code.
import type { ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { isThere } from "../../draw/number";
import type { Theme } from "../../draw/theme";
import type { HeadAt } from "../../model/address";
import { type CurveGiven, Curves } from "../../parts/Curves";
import { Slider } from "../../parts/Slider";
import { Table } from "../../parts/Table";
import type { TableColumn } from "../../parts/table-columns";
import type { Adjusting } from "../adjusting";
import { asPython, type Cost, costsAt, type OptimizationRows, pointSaid, timeSaid } from "./rows";

interface Props {
  rows: OptimizationRows;
  theme: ReadonlySignal<Theme>;
  /** Which of the points, and the heads that are gone there. */
  at: number;
  gone: readonly HeadAt[];
  slider: Adjusting;
  /** What came of copying; "": nothing yet. */
  copied: string;
  copy: () => void;
}

export function Pruning({ rows, theme, at, gone, slider, copied, copy }: Props) {
  const { sizes, nHeads, tolerance, unsliced } = rows;
  const [curves, cut, lines] = useMemo(() => pictured(rows), [rows]);
  const costs = useMemo(() => costsAt(rows, at), [rows, at]);
  const time = timeSaid(rows, at);
  return (
    <>
      <Slider {...slider} shown={`${sizes[at] ?? 0} of ${nHeads}`} said="Heads pruned" />
      <Curves
        {...{ theme, curves, cut, lines, at, choose: slider.set }}
        name="rise"
        label="Rise of the loss by the number of heads pruned."
        xs={sizes}
        log={false}
        xLabel="heads pruned"
        yLabel="rise of the loss (%)"
        said={(at) => pointSaid(rows, at)}
      />
      <Table
        name="costs"
        title={unsliced ? "What it saves was not measured" : "What it saves"}
        columns={columnsOf(costs)}
        rows={unsliced ? 0 : costs.length}
        empty={unsliced}
      />
      {time && (
        <p class="quiet" data-cw="time">
          {time}
        </p>
      )}
      <p class="python">
        <code data-cw="python" tabIndex={0} role="group" aria-label="The same in Python">
          {asPython(gone)}
        </code>
        <button type="button" class="button" data-cw="copy" onClick={copy}>
          Copy as Python
        </button>
      </p>
      <p class="quiet" role="status" data-cw="copied">
        {copied ||
          `The line across is the tolerance, ${tolerance} %. Heads were chosen on ${rows.nScored} texts, losses measured on ${rows.nHeldOut} others.`}
      </p>
    </>
  );
}

/** Of the tolerance, where the picture is cut. */
const MOST = 10;

/** Our heads, random ones beside them, where the picture is cut, and what lies across. */
function pictured(
  rows: OptimizationRows,
): readonly [CurveGiven[], readonly [number, number], number[]] {
  const { rise, best, tolerance } = rows;
  if (!rise) return [[], [0, 1], []];
  // What is far beyond the tolerance is not to flatten what is near it.
  const highest = Math.min(
    MOST * tolerance,
    Math.max(2 * tolerance, ...rise.value.filter(isThere)),
  );
  const lowest = Math.min(0, ...rise.value.filter(isThere));
  const own: CurveGiven = {
    label: "chosen heads",
    about: `Band: ${rise.interval} over held-out texts.`,
    ...{ values: rise.value, low: rise.low, high: rise.high, tone: "accent", dash: [] },
  };
  const curves = [own];
  if (rise.null)
    curves.push(
      {
        label: "random heads",
        about: "As many in the same layers, the mean.",
        ...{ values: rise.null, low: null, high: null, tone: "ink", dash: [5, 3] },
      },
      {
        label: "the best of them on the other texts",
        about: "The random set that was best on the texts that heads are chosen on.",
        ...{ values: best, low: null, high: null, tone: "muted", dash: [2, 3] },
      },
    );
  return [curves, [1.5 * lowest - tolerance, 1.2 * highest], [0, tolerance]];
}

function columnsOf(costs: readonly Cost[]): TableColumn[] {
  const said = (row: number) => costs[row]?.about ?? "";
  const column = (name: keyof Cost, label: string): TableColumn => ({
    ...{ kind: "text", name, label, said, values: costs.map((cost) => cost[name]) },
  });
  return [
    column("name", ""),
    column("whole", "whole model"),
    column("less", "pruned"),
    column("saved", "saved"),
  ];
}
