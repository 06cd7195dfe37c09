// A layered graph: lines as wide as they weigh, one colour a sign; pointed at, clicked, or by keys.
import { type ReadonlySignal, type Signal, useComputed, useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import {
  bandAt,
  drawGraph,
  drawGraphOver,
  type GraphBand,
  type GraphDrawing,
  type Link,
} from "../draw/graph";
import { type GraphItem, hitGraph, isShown } from "../draw/graph-find";
import { COLUMN_ROOM } from "../draw/graph-labels";
import { barycentres, type Direction, type GraphData, layoutGraph } from "../draw/graph-layout";
import type { drawLit } from "../draw/graph-lit";
import type { Theme } from "../draw/theme";
import { bring } from "../styles";
import sheet from "../styles/graph.css";
import { GraphLegend } from "./GraphLegend";
import { goTo } from "./graph-keys";
import { useLatest } from "./latest";
import { place, Stack, useBox } from "./Stack";
import { Tooltip } from "./Tooltip";

bring(sheet);

export interface GraphProps {
  /** Its name among the view's parts. */
  name: string;
  /** What it shows, in a sentence. */
  label: string;
  data: GraphData;
  theme: ReadonlySignal<Theme>;
  direction?: Direction;
  /** The weight of the widest line, what a weight is, and whether it has a sign. */
  most: number;
  unit: string;
  signed: boolean;
  /** Edges below are hidden. */
  least?: number;
  /** Names of the columns, where nodes have places; one of them is always shown. */
  columns?: readonly string[] | null;
  column?: number | null;
  /** What is selected: an edge, a node, or steps that need not be edges. */
  edge?: number | null;
  node?: number | null;
  path?: readonly Link[];
  /** A node or an edge in words. */
  said: (item: GraphItem) => string;
  chooseEdge?: (edge: number) => void;
  /** more: with Shift, for several nodes. */
  chooseNode?: (node: number, more: boolean) => void;
  /** A click beside all, or Escape. */
  chooseNothing?: () => void;
  /** Nodes that are chosen one by one, for a use of the view's own. */
  picked?: readonly number[];
  /** `drawLit`: all but the edges of the node pointed at, or else selected, steps back. */
  lit?: typeof drawLit;
  /** Rows that belong together, the rows going up or down. */
  bands?: readonly GraphBand[];
  /** A click on a band, beside its nodes and edges. */
  chooseBand?: (band: number) => void;
}

const NO_PATH: readonly Link[] = [];
const NONE: readonly number[] = [];
const NO_BANDS: readonly GraphBand[] = [];
const ROOM = { left: 30, right: 12, top: 16, bottom: 16 };

export function Graph(props: GraphProps) {
  const { name, label, data, theme, most, unit, signed, least = 0, direction = "up" } = props;
  const box = useBox();
  const hover = useSignal<GraphItem | null>(null);
  const focus = useSignal<GraphItem | null>(null);
  const places = useMemo(() => data.nodes.place ?? barycentres(data), [data]);
  const { columns = null, column = null, bands = NO_BANDS } = props;
  const shape = useLatest({ data, places, direction, most, signed, least, columns, column, bands });
  const { edge = null, node = null, path = NO_PATH, picked = NONE, lit = null } = props;
  const selected = useLatest({ edge, node, path, picked, lit });
  const drawing = useComputed<GraphDrawing | null>(() => {
    const { width, height } = box.size.value;
    if (width === 0 || height === 0) return null;
    const { data, places, direction, ...rest } = shape.value;
    const bottom = rest.columns ? COLUMN_ROOM : direction === "right" ? 20 : ROOM.bottom;
    const room = {
      x0: direction === "right" ? 4 : ROOM.left,
      y0: ROOM.top,
      x1: width - ROOM.right,
      y1: height - bottom,
    };
    const layout = layoutGraph(data, room, direction, places);
    return { data, layout, theme: theme.value, ...rest };
  });
  const choose = (item: GraphItem | null, more: boolean) => {
    if (item?.kind === "edge") props.chooseEdge?.(item.at);
    else if (item) props.chooseNode?.(item.at, more);
    else props.chooseNothing?.();
  };
  const find = (event: MouseEvent): GraphItem | null => {
    const o = drawing.peek();
    const { x, y } = place(event);
    return o && hitGraph(o.data, o.layout, o.least, x, y);
  };
  const keys = (event: KeyboardEvent) => {
    const o = drawing.peek();
    if (!o || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.code === "Enter" && focus.peek()) choose(focus.peek(), event.shiftKey);
    else if (event.code === "Escape" && focus.peek()) {
      focus.value = null;
      choose(null, false);
    } else {
      const next = goTo(o, focus.peek(), event.code, event.shiftKey);
      if (!next) return;
      focus.value = next;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <figure class="graph">
      <Stack
        box={box}
        name={name}
        label={`${label} Arrow keys go from node to node, with Shift from edge to edge, Enter selects.`}
        base={(ctx) => {
          if (drawing.value) drawGraph(ctx, drawing.value);
        }}
        over={(ctx) => {
          const o = drawing.value;
          if (!o) return;
          drawGraphOver(ctx, o, {
            hover: shown(o, hover.value),
            focus: shown(o, focus.value),
            ...selected.value,
          });
        }}
        onKeyDown={keys}
        onBlur={() => {
          focus.value = null;
        }}
        onMouseMove={(event) => {
          hover.value = find(event);
        }}
        onMouseLeave={() => {
          hover.value = null;
        }}
        onClick={(event) => {
          const found = find(event);
          focus.value = found;
          const o = drawing.peek();
          const band = found || !o || !props.chooseBand ? -1 : bandAt(o, place(event).y);
          if (band >= 0) props.chooseBand?.(band);
          else choose(found, event.shiftKey);
        }}
      />
      <figcaption>
        <GraphLegend
          name={name}
          data={data}
          theme={theme.value}
          most={most}
          least={least}
          signed={signed}
          unit={unit}
        />
        <Tip name={name} said={props.said} hover={hover} focus={focus} />
      </figcaption>
    </figure>
  );
}

/** An item that is still there: another graph may have fewer. */
function shown({ data, least }: GraphDrawing, item: GraphItem | null): GraphItem | null {
  if (item?.kind === "edge") return isShown(data.edges.weight[item.at], least) ? item : null;
  return item && item.at < data.nodes.row.length ? item : null;
}

/** What is pointed at, in words; what the keyboard is at is announced. */
function Tip({
  name,
  said,
  hover,
  focus,
}: {
  name: string;
  said: (item: GraphItem) => string;
  hover: Signal<GraphItem | null>;
  focus: Signal<GraphItem | null>;
}) {
  const item = hover.value ?? focus.value;
  return (
    <Tooltip name={name} live={focus.value !== null}>
      {item ? said(item) : null}
    </Tooltip>
  );
}
