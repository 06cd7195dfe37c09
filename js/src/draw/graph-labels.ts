// Names in a graph, only where they fit: of the strongest nodes and edges first.
import { isShown, pointAt } from "./graph-find";
import type { GraphData, GraphLayout } from "./graph-layout";
import { chooseLabels, fitted } from "./label";
import type { Theme } from "./theme";

interface Labelled {
  data: GraphData;
  layout: GraphLayout;
  theme: Theme;
  least: number;
  columns: readonly string[] | null;
  column: number | null;
}

interface Rect {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

const HEIGHT = 12;
const GAP = 5;
const APART = 8;
/** With more lines than that, one passes everywhere. */
const MOST_LINES = 300;
const SAMPLES = 24;
/** Px that the names of columns need below the nodes. */
export const COLUMN_ROOM = 64;

export function drawGraphLabels(ctx: CanvasRenderingContext2D, o: Labelled, has: Uint8Array): void {
  const taken: Rect[] = [];
  for (let i = 0; i < has.length; i++) if (has[i]) taken.push(around(o.layout, i));
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  drawNodeNames(ctx, o, has, taken);
  drawEdgeNames(ctx, o, taken);
  drawColumns(ctx, o);
}

function around({ x, y }: GraphLayout, i: number): Rect {
  const [px, py] = [x[i] ?? 0, y[i] ?? 0];
  return { x0: px - 3, y0: py - 3, x1: px + 3, y1: py + 3 };
}

function drawNodeNames(
  ctx: CanvasRenderingContext2D,
  { data, layout, theme, least }: Labelled,
  has: Uint8Array,
  taken: Rect[],
): void {
  ctx.font = `11px ${theme.sans}`;
  const strength = new Float32Array(has.length);
  const { source, target, weight } = data.edges;
  for (let e = 0; e < source.length; e++) {
    if (!isShown(weight[e], least)) continue;
    for (const node of [source[e] as number, target[e] as number])
      strength[node] = (strength[node] ?? 0) + Math.abs(weight[e] ?? 0);
  }
  // What has a row for itself is named first: all begins with it, or leads to it.
  const rows = Array.from(data.nodes.row);
  const inRow = new Uint32Array(data.rows.length);
  for (const row of rows) inRow[row] = (inRow[row] ?? 0) + 1;
  for (const [i, row] of rows.entries())
    if (inRow[row] === 1) strength[i] = Number.POSITIVE_INFINITY;
  const lines = pointsOf(data, layout, least);
  const order = [...has.keys()].filter((i) => has[i] && data.nodes.label[i]);
  order.sort((a, b) => (strength[b] ?? 0) - (strength[a] ?? 0) || 0);
  for (const i of order) {
    const text = data.nodes.label[i] as string;
    const width = ctx.measureText(text).width;
    const [x, y] = [layout.x[i] ?? 0, layout.y[i] ?? 0];
    const places: [number, number][] = [
      [x + GAP, y],
      [x - GAP - width, y],
      [x - width / 2, y - 10],
      [x - width / 2, y + 10],
    ];
    const free = places.filter(([px, py]) => fits(boxOf(px, py, width), layout, taken));
    const at = free.find(([px, py]) => !crossed(boxOf(px, py, width), lines)) ?? free[0];
    if (!at) continue;
    // Names keep apart from each other, so that lines are seen between them.
    const { x0, y0, x1, y1 } = boxOf(at[0], at[1], width);
    taken.push({ x0: x0 - APART, y0: y0 - APART / 2, x1: x1 + APART, y1: y1 + APART / 2 });
    halo(ctx, text, at[0], at[1], theme.ink, theme.page);
  }
}

/** Points along the lines that are drawn: x, y, x, y, ... */
function pointsOf({ edges }: GraphData, { curves }: GraphLayout, least: number): number[] {
  const shown = Array.from(edges.source, (_, e) => e).filter((e) =>
    isShown(edges.weight[e], least),
  );
  if (shown.length > MOST_LINES) return [];
  return shown.flatMap((e) =>
    Array.from({ length: SAMPLES + 1 }, (_, t) => pointAt(curves, 8 * e, t / SAMPLES)).flat(),
  );
}

function crossed({ x0, y0, x1, y1 }: Rect, points: readonly number[]): boolean {
  for (let i = 0; i < points.length; i += 2) {
    const [x, y] = [points[i] as number, points[i + 1] as number];
    if (x > x0 && x < x1 && y > y0 && y < y1) return true;
  }
  return false;
}

function drawEdgeNames(
  ctx: CanvasRenderingContext2D,
  { data, layout, theme, least }: Labelled,
  taken: Rect[],
): void {
  const { label, weight } = data.edges;
  if (!label) return;
  ctx.font = `10px ${theme.sans}`;
  for (const e of [...layout.order].reverse()) {
    const text = label[e];
    if (!text || !isShown(weight[e], least)) continue;
    const width = ctx.measureText(text).width;
    const [x, y] = pointAt(layout.curves, 8 * e, 0.5);
    const box = boxOf(x - width / 2, y, width);
    if (!fits(box, layout, taken)) continue;
    taken.push({ ...box, x0: box.x0 - APART, x1: box.x1 + APART });
    halo(ctx, text, x - width / 2, y, theme.muted, theme.page);
  }
}

/** Names below fixed columns, turned where they stand close. */
function drawColumns(
  ctx: CanvasRenderingContext2D,
  { layout: { room }, theme, columns, column }: Labelled,
): void {
  if (!columns) return;
  const n = columns.length;
  const cell = (room.x1 - room.x0) / Math.max(1, n);
  ctx.font = `10px ${theme.mono}`;
  ctx.direction = "ltr";
  for (const i of chooseLabels(0, n, cell, [column, null], 11)) {
    ctx.fillStyle = i === column ? theme.ink : theme.muted;
    ctx.save();
    ctx.translate(room.x0 + (i + 0.5) * cell, room.y1 + 8);
    ctx.rotate(Math.PI / 2);
    ctx.fillText(fitted(ctx, columns[i] ?? "", COLUMN_ROOM - 14), 0, 0);
    ctx.restore();
  }
}

function boxOf(x: number, y: number, width: number): Rect {
  return { x0: x - 1, y0: y - HEIGHT / 2, x1: x + width + 1, y1: y + HEIGHT / 2 };
}

function fits(box: Rect, { room }: GraphLayout, taken: readonly Rect[]): boolean {
  if (box.x0 < room.x0 - 2 || box.x1 > room.x1 + 2 || box.y0 < 0) return false;
  return taken.every(
    (other) => box.x1 <= other.x0 || box.x0 >= other.x1 || box.y1 <= other.y0 || box.y0 >= other.y1,
  );
}

/** Text with an edge in the page's colour: readable over lines. */
export function halo(
  ctx: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  ink: string,
  page: string,
  width = 3,
): void {
  ctx.lineJoin = "round";
  ctx.lineWidth = width;
  ctx.strokeStyle = page;
  ctx.strokeText(text, x, y);
  ctx.fillStyle = ink;
  ctx.fillText(text, x, y);
}
