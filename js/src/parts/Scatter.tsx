// One mark a thing on two named axes, each with what chance would give.
//
// Stable props (others may be added, these stay):
//   name, label            data-cw of the canvas (`NAME-over`, `NAME-tip`); a sentence
//   x, y                   { label, min, max, chance }
//   xs, ys                 a value a thing each; NaN: not drawn
//   selected, choose, said the thing's number; `said` in words, of what is pointed at or selected
//   faint                  1: cannot be told from chance
// The box's height comes from CSS (`.scatter .stack`). Arrow keys go from thing to thing along x.
import { type ReadonlySignal, useComputed, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { strong } from "../draw/grid";
import {
  drawScatter,
  drawScatterOver,
  hitScatter,
  type ScatterAxis,
  type ScatterDrawing,
} from "../draw/scatter";
import type { Theme } from "../draw/theme";
import { bring } from "../styles";
import sheet from "../styles/scatter.css";
import { useLatest } from "./latest";
import { keepFocus, place, Stack, useBox } from "./Stack";
import { Tooltip } from "./Tooltip";

bring(sheet);

export interface ScatterProps {
  name: string;
  label: string;
  theme: ReadonlySignal<Theme>;
  x: ScatterAxis;
  y: ScatterAxis;
  xs: ArrayLike<number>;
  ys: ArrayLike<number>;
  faint?: Uint8Array | null;
  selected: number | null;
  choose: (index: number) => void;
  said: (index: number) => ComponentChildren;
  title?: ComponentChildren;
}

const MAGNITUDE = { least: 0, most: 1, signed: false, unit: "" };

export function Scatter(props: ScatterProps) {
  const { name, label, theme, xs, ys, faint, selected } = props;
  const box = useBox();
  const hover = useSignal<number | null>(null);
  // Both axes as one text: an object made for each rendering is not a change.
  const axes = JSON.stringify([props.x, props.y]);
  const given = useLatest({ axes, xs, ys, faint });
  const chosen = useLatest({ selected });
  const drawing = useComputed<ScatterDrawing>(() => {
    const { axes, ...values } = given.value;
    const [x, y] = JSON.parse(axes) as [ScatterAxis, ScatterAxis];
    const colour = strong(MAGNITUDE, theme.value);
    return { ...box.size.value, ...values, x, y, colour, theme: theme.value };
  });
  const find = (event: MouseEvent): number | null => {
    const { x, y } = place(event);
    return hitScatter(drawing.peek(), x, y);
  };
  const walk = (event: KeyboardEvent): void => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.code];
    if (by === undefined || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey)
      return;
    const next = beside(xs, ys, selected, by);
    if (next !== null) props.choose(next);
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <figure class="scatter">
      {props.title && <figcaption>{props.title}</figcaption>}
      <Stack
        box={box}
        name={name}
        label={`${label} Left and right go to the next one by ${props.x.label}.`}
        base={(ctx) => drawScatter(ctx, drawing.value)}
        over={(ctx) => {
          const { selected } = chosen.value;
          drawScatterOver(ctx, drawing.value, { selected, hover: hover.value });
        }}
        onMouseDown={keepFocus}
        onMouseMove={(event) => {
          hover.value = find(event);
        }}
        onMouseLeave={() => {
          hover.value = null;
        }}
        onClick={(event) => {
          const index = find(event);
          if (index !== null) props.choose(index);
        }}
        onKeyDown={walk}
        data-keys="ArrowLeft ArrowRight"
      />
      <Tooltip name={name} live={hover.value === null}>
        {(hover.value ?? selected) === null
          ? null
          : props.said((hover.value ?? selected) as number)}
      </Tooltip>
    </figure>
  );
}

/** The thing that comes before or after another along x, of those that are drawn. */
function beside(
  xs: ArrayLike<number>,
  ys: ArrayLike<number>,
  from: number | null,
  by: number,
): number | null {
  const drawn = Array.from({ length: xs.length }, (_, i) => i)
    .filter((i) => Number.isFinite(xs[i]) && Number.isFinite(ys[i]))
    .sort((a, b) => (xs[a] as number) - (xs[b] as number) || a - b);
  const at = from === null ? -1 : drawn.indexOf(from);
  return drawn[Math.min(drawn.length - 1, Math.max(0, at + by))] ?? null;
}
