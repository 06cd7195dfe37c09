// How well circuits of all sizes do, beside random ones and the model without them.
import type { ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { isThere } from "../../draw/number";
import type { Theme } from "../../draw/theme";
import { type CurveGiven, Curves } from "../../parts/Curves";
import type { Estimates } from "../../wire/blocks";
import type { CircuitRows } from "./rows";
import { accuracySaid, curveSaid, missingSaid } from "./words";

interface Props {
  rows: CircuitRows;
  theme: ReadonlySignal<Theme>;
  size: number;
  setSize: (size: number) => void;
}

export function Measures({ rows, theme, size, setSize }: Props) {
  const { edges, faithfulness, accuracy, without } = rows.sizes;
  const [alone, right] = useMemo(() => {
    const about = `Band: ${rows.interval} over prompts.`;
    return [
      [
        ...withRandom(faithfulness, "circuit alone", about),
        curve(without, "model without it", "muted", [2, 3], about),
      ],
      withRandom(accuracy, "circuit alone", about),
    ] as const;
  }, [faithfulness, accuracy, without, rows.interval]);
  const shared = { theme, xs: edges, log: true, lines: [0, 1], at: size, choose: setSize };
  const known = isThere(accuracy.value.find(isThere));
  return (
    <>
      <Curves
        {...shared}
        name="faithfulness"
        label="Faithfulness by the number of edges."
        xLabel="edges"
        yLabel="faithfulness"
        curves={alone}
        said={(at) => curveSaid(rows, at)}
        missing={missingSaid(rows)}
      />
      <Curves
        {...shared}
        name="accuracy"
        label="Share of right answers by the number of edges."
        xLabel="edges"
        yLabel="right answers"
        curves={right}
        said={(at) => accuracySaid(rows, at)}
        missing={known ? null : "Not measured yet."}
      />
    </>
  );
}

function curve(
  { value, low, high }: Estimates,
  label: string,
  tone: CurveGiven["tone"],
  dash: readonly number[],
  about: string,
): CurveGiven {
  return { label, about, values: value, low, high, tone, dash };
}

function withRandom(found: Estimates, label: string, about: string): CurveGiven[] {
  const { null: random, nullLow: low, nullHigh: high } = found;
  const own = curve(found, label, "accent", [], about);
  if (!random) return [own];
  const beside: CurveGiven = {
    label: "random circuits",
    about: "As many random edges between the same layers. Band: where one more would be.",
    ...{ values: random, low, high, tone: "ink", dash: [5, 3] },
  };
  return [own, beside];
}
