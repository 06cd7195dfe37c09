// One heat map for every matrix: attention, heads by heads, effects. The cells are painted once and
// kept; pointing, selecting and walking by keys paint a cheap layer over them.
//
// Stable props (others may be added, these stay):
//   name, label            data-cw of the canvas (`NAME-over`, `NAME-tip`, `NAME-legend`); a sentence
//   rows, cols             what runs along each edge, and the names: { label: "query", names }
//   cells                  { rows, cols, values, faint? } row after row, NaN missing, 1 in `faint` for
//                          what cannot be told from chance; or a signal of a Picture (draw/picture.ts)
//   scale                  ends, sign, unit, chance: shown beside the matrix
//   selected               { row, col }; a row alone is a whole row
//   choose, said           a click or Enter; a cell in words (also announced)
//   hover                  a signal of yours, where others want to know what is pointed at
//   zoom                   `useZoom()` of Zoom.tsx: ctrl + wheel, drag, double click
//   keys                   false: the view around moves the selection by its own keys
// The box's height comes from CSS: `.heat .stack` is a square; give `fill` for "as high as there is".
import { type ReadonlySignal, type Signal, useComputed, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useMemo, useRef } from "preact/hooks";
import type { Axis } from "../draw/axis";
import { drawHeat, drawHeatOver, type HeatDrawing, heatFrame, type Stripe } from "../draw/heat";
import { type Picture, pictureOf, type Values } from "../draw/picture";
import type { Scale } from "../draw/scale";
import type { Theme } from "../draw/theme";
import { type Cell, clamp, hit, type Shape, whole } from "../draw/viewport";
import { bring } from "../styles";
import sheet from "../styles/heat.css";
import { Legend } from "./Legend";
import { useLatest } from "./latest";
import { keepFocus, place, Stack, useBox } from "./Stack";
import { Tooltip } from "./Tooltip";
import type { Gestures, Zoom } from "./Zoom";

bring(sheet);

/** A signal, or what reads and writes one. */
export type Pointed = Pick<Signal<Cell | null>, "value" | "peek">;

export interface HeatProps {
  name: string;
  label: string;
  theme: ReadonlySignal<Theme>;
  rows: Axis;
  cols: Axis;
  cells: Values | ReadonlySignal<Picture | null>;
  scale: Scale;
  /** Cells above the diagonal cannot be. */
  causal?: boolean;
  selected?: { row: number | null; col: number | null };
  hover?: Pointed;
  choose?: ((row: number, col: number) => void) | undefined;
  /** A cell in words; null: the cell pointed at, else the selected one, is none. */
  said: (row: number, col: number) => ComponentChildren;
  /** What is said while no cell is pointed at or selected. */
  idle?: ComponentChildren;
  marks?: ReadonlyMap<number, string>;
  stripe?: Stripe | null;
  missing?: string | null;
  zoom?: Zoom;
  keys?: boolean;
  fill?: boolean;
  title?: ComponentChildren;
  legend?: { note?: string; marker?: number | null } | false;
}

const STILL: Gestures = { dragging: () => false, dragged: () => false, handlers: {} };
const NOTHING = { row: null, col: null };
const EMPTY: Values = { rows: 0, cols: 0, values: [] };

export function Heat(props: HeatProps) {
  const { name, label, theme, rows, cols, scale, causal = false, zoom, keys = true } = props;
  const { selected = NOTHING, marks, stripe = null, missing = null, legend = {} } = props;
  const box = useBox();
  const own = useSignal<Cell | null>(null);
  const hover: Pointed = props.hover ?? own;
  const focus = useSignal<Cell | null>(null);
  const picture = usePicture(props);
  const shape = useShape(props);
  const axes = [useAxis(rows), useAxis(cols)] as const;
  const given = useLatest({ rows: axes[0], cols: axes[1], shape, causal, marks, stripe, missing });
  const { row, col } = selected;
  const chosen = useLatest({ row, col });
  // All but the cells: what lies over them is not drawn again for other cells.
  const layout = useComputed<Omit<HeatDrawing, "picture"> | null>(() => {
    const { width, height } = box.size.value;
    if (width === 0 || height === 0) return null;
    const o = given.value;
    const frame = heatFrame({ width, height }, o);
    const window = clamp(zoom?.window.value ?? whole(o.shape), o.shape);
    return { ...o, view: { ...frame, ...window }, theme: theme.value };
  });
  const find = (event: MouseEvent): Cell | null => {
    const { x, y } = place(event);
    const o = layout.peek();
    return o && hit(o.view, x, y, causal);
  };
  const gestures = zoom?.useGestures(layout, box.ref) ?? STILL;
  const walk = useWalk(props, shape, focus);
  const interactive = keys && props.choose !== undefined;
  return (
    <figure class={props.fill ? "heat fill" : "heat"} style={sizeOf(shape)}>
      {(props.title || legend) && (
        <figcaption>
          <span class="heat-title">{props.title}</span>
          {legend && <Legend name={name} theme={theme} scale={scale} {...legend} />}
        </figcaption>
      )}
      <Stack
        box={box}
        name={name}
        label={interactive ? `${label} Arrow keys go from cell to cell, Enter selects.` : label}
        role={interactive ? "application" : "img"}
        base={(ctx) => {
          const o = layout.value;
          if (!o) return;
          drawHeat(ctx, { ...o, picture: picture.value });
          const { x, y, width, height } = o.view;
          ctx.canvas.dataset.frame = [x, y, width, height].join();
          if (zoom) zoom.pixels.value = width;
        }}
        over={(ctx) => {
          const o = layout.value;
          if (o)
            drawHeatOver(ctx, o, { hover: hover.value ?? focus.value, selected: chosen.value });
        }}
        onMouseDown={keepFocus}
        onMouseMove={(event) => {
          const found = gestures.dragging() ? null : find(event);
          const before = hover.peek();
          // The same cell is the same object: nothing is painted for a move within it.
          if (before?.row !== found?.row || before?.col !== found?.col) hover.value = found;
        }}
        onMouseLeave={() => {
          hover.value = null;
        }}
        onClick={(event) => {
          const found = find(event);
          if (found && !gestures.dragged()) props.choose?.(found.row, found.col);
        }}
        {...(interactive ? { onKeyDown: walk, "data-keys": KEYS } : {})}
        onBlur={() => {
          focus.value = null;
        }}
        {...gestures.handlers}
      />
      <Said {...{ name, hover, focus, chosen, said: props.said, idle: props.idle }} />
    </figure>
  );
}

function sizeOf({ rows, cols }: Shape): Record<string, string> {
  return rows === cols ? {} : { "--cw-heat-rows": String(rows) };
}

function useShape({ rows, cols, cells }: HeatProps): Shape {
  const [high, wide] =
    "values" in cells ? [cells.rows, cells.cols] : [rows.names.length, cols.names.length];
  return useMemo(() => ({ rows: high, cols: wide }), [high, wide]);
}

/** The same axis as long as it says the same: an object made for each rendering is not a change. */
function useAxis({ label, names, letters }: Axis): Axis {
  return useMemo(() => ({ label, names, letters }), [label, names, letters]);
}

/** The cells as an image: painted again for other values or colours, and for nothing else. */
function usePicture({ cells, scale, theme }: HeatProps): ReadonlySignal<Picture | null> {
  const given = "values" in cells ? { made: null, ...cells } : { made: cells, ...EMPTY };
  const { least, most, signed } = scale;
  const { made, rows, cols, values, faint } = given;
  const latest = useLatest({ made, rows, cols, values, faint, least, most, signed });
  return useComputed(() => {
    const { made, least, most, signed, ...values } = latest.value;
    if (made) return made.value;
    return pictureOf(values, { least, most, signed, unit: "" }, theme.value);
  });
}

const ARROWS: Record<string, readonly [down: number, across: number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/** Those that are kept from the notebook while the matrix has the focus. */
const KEYS = [...Object.keys(ARROWS), "Enter", "Escape"].join(" ");

/** Arrow keys, Enter and Escape, once the matrix has the focus. */
function useWalk(props: HeatProps, shape: Shape, focus: Signal<Cell | null>) {
  const last = useRef<Cell>({ row: 0, col: 0 });
  return (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const arrow = ARROWS[event.code];
    const at = focus.peek();
    if (arrow) {
      const { row, col } = props.selected ?? NOTHING;
      const from = at ?? { row: row ?? last.current.row, col: col ?? last.current.col };
      const to = (i: number, by: number, n: number) => Math.min(n - 1, Math.max(0, i + by));
      const next = {
        row: to(from.row, arrow[0], shape.rows),
        col: to(from.col, arrow[1], shape.cols),
      };
      if (props.causal) next.col = Math.min(next.col, next.row);
      last.current = next;
      focus.value = next;
    } else if (event.code === "Enter" && at) props.choose?.(at.row, at.col);
    else if (event.code === "Escape" && at) focus.value = null;
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
}

interface SaidProps extends Pick<HeatProps, "name" | "said" | "idle"> {
  hover: Pointed;
  focus: ReadonlySignal<Cell | null>;
  chosen: ReadonlySignal<{ row: number | null; col: number | null }>;
}

/** The cell under the pointer in words; what keys select or walk to is announced. */
function Said({ name, hover, focus, chosen, said, idle }: SaidProps) {
  const { row, col } = hover.value ?? focus.value ?? chosen.value;
  return (
    <Tooltip name={name} live={hover.value === null}>
      {row === null || col === null ? idle : said(row, col)}
    </Tooltip>
  );
}
