// Curves with their bands over one axis, and a point of it that is chosen: by click, or Left and Right.
//
// Stable props (others may be added, these stay):
//   name, label            data-cw of the canvas (`NAME-over`, `NAME-tip`); a sentence
//   xs, log, xLabel        the points, the same for all curves
//   yLabel, lines          values with a line across
//   curves                 { label, values, low, high, tone, dash }; `about` is what the legend says;
//                          one without a label is not in the legend
//   stretches              of the axis, each with a name, behind the curves
//   at, choose             the number of the chosen point
//   other                  of one that it is compared with
//   said                   a point in words
//   missing                what is said in place of curves
// The box's height comes from CSS (`.curves .stack`).
import { type ReadonlySignal, useComputed, useSignal } from "@preact/signals";
import {
  type Curve,
  type CurvesDrawing,
  drawCurves,
  drawCurvesOver,
  hitCurves,
  type Stretch,
} from "../draw/curves";
import type { Theme } from "../draw/theme";
import { bring } from "../styles";
import sheet from "../styles/curves.css";
import legend from "../styles/graph-legend.css";
import { useLatest } from "./latest";
import { place, Stack, useBox } from "./Stack";
import { Tooltip } from "./Tooltip";

bring(sheet);
bring(legend);

export interface CurveGiven extends Omit<Curve, "colour"> {
  /** Which of the theme's colours it has. */
  tone: "ink" | "accent" | "muted";
  about: string;
}

export interface CurvesProps {
  name: string;
  label: string;
  theme: ReadonlySignal<Theme>;
  xs: ArrayLike<number>;
  log: boolean;
  xLabel: string;
  yLabel: string;
  lines: readonly number[];
  curves: readonly CurveGiven[];
  stretches?: readonly Stretch[];
  cut?: readonly [least: number, most: number];
  at: number;
  other?: number | null;
  choose: (at: number) => void;
  said: (at: number) => string;
  missing?: string | null;
}

const NONE: readonly Stretch[] = [];
/** What is a share is seldom beyond. */
const SHARES = [-0.5, 1.5] as const;
const isNamed = ({ label }: CurveGiven): boolean => label !== "";

export function Curves(props: CurvesProps) {
  const { name, label, theme, xs, log, xLabel, yLabel, lines, curves, at, choose } = props;
  const { stretches = NONE, cut = SHARES, other = null } = props;
  const box = useBox();
  const hover = useSignal<number | null>(null);
  const given = useLatest({ xs, log, xLabel, yLabel, lines, curves, stretches, cut });
  const chosen = useLatest({ at, other });
  const drawing = useComputed<CurvesDrawing>(() => {
    const { curves, ...rest } = given.value;
    const coloured = curves.map((curve) => ({ ...curve, colour: theme.value[curve.tone] }));
    return { ...box.size.value, ...rest, curves: coloured, theme: theme.value };
  });
  const find = (event: MouseEvent) => hitCurves(drawing.peek(), place(event).x);
  return (
    <figure class="curves">
      <Stack
        box={box}
        name={name}
        label={`${label} Left and Right go from point to point.`}
        base={(ctx) => drawCurves(ctx, drawing.value)}
        over={(ctx) => drawCurvesOver(ctx, drawing.value, { ...chosen.value, hover: hover.value })}
        data-keys="ArrowLeft ArrowRight"
        onKeyDown={(event) => {
          const by = { ArrowLeft: -1, ArrowRight: 1 }[event.code];
          if (by === undefined || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey)
            return;
          choose(Math.min(xs.length - 1, Math.max(0, at + by)));
          event.preventDefault();
          event.stopPropagation();
        }}
        onMouseMove={(event) => {
          hover.value = find(event);
        }}
        onMouseLeave={() => {
          hover.value = null;
        }}
        onClick={(event) => {
          const found = find(event);
          if (found !== null) choose(found);
        }}
      />
      <figcaption class="graph-legend quiet" data-cw={`${name}-legend`}>
        {curves.filter(isNamed).map(({ label, about, tone, dash, thin }) => (
          <span key={label} title={about}>
            <svg width="22" height="8" aria-hidden="true">
              <line
                x1="1"
                x2="21"
                y1="4"
                y2="4"
                stroke={theme.value[tone]}
                stroke-width={thin ? 1 : 2}
                stroke-opacity={thin ? 0.6 : 1}
                stroke-dasharray={dash.join(" ") || "none"}
              />
            </svg>
            {label}
          </span>
        ))}
      </figcaption>
      <Tooltip name={name} live={hover.value === null}>
        {props.missing ?? props.said(hover.value ?? at)}
      </Tooltip>
    </figure>
  );
}
