// A layered graph: a base that is kept, and what is pointed at or selected over it.
import { css, diverging, sequential } from "./color";
import { edgesOf, type GraphItem, isShown, linked, pointAt } from "./graph-find";
import { drawGraphLabels, halo } from "./graph-labels";
import { curveOf, type GraphData, type GraphLayout, pitchOf } from "./graph-layout";
import type { drawLit } from "./graph-lit";
import type { Theme } from "./theme";

export interface GraphDrawing {
  data: GraphData;
  layout: GraphLayout;
  theme: Theme;
  /** The weight that the widest and darkest line has: one scale for both. */
  most: number;
  signed: boolean;
  /** Edges below are not drawn. */
  least: number;
  /** Names below the columns of nodes with fixed places, and one that is always shown. */
  columns: readonly string[] | null;
  column: number | null;
  /** Rows that stand on a ground of their own. */
  bands?: readonly GraphBand[];
}

/** Rows that belong together, from the first to what lags behind the last, and what they are. */
export interface GraphBand {
  label: string;
  first: number;
  last: number;
}

/** A line between two nodes that need not be an edge: a step of a path. */
export interface Link {
  source: number;
  target: number;
  label: string;
}

export interface GraphOver {
  hover: GraphItem | null;
  /** What the keyboard is at. */
  focus: GraphItem | null;
  edge: number | null;
  node: number | null;
  path: readonly Link[];
  /** Nodes with a ring: picked one by one. */
  picked?: readonly number[];
  /** Draws what stands out below the rest (draw/graph-lit.ts). */
  lit?: typeof drawLit | null;
}

const THIN = 0.75;
const WIDE = 5;
/** Of many lines none is so wide that it hides others. */
const MANY = 60;
const LESS_WIDE = 2.75;

/** Width of a line, in px. */
export function lineWidth(weight: number, { most, data }: Scaled): number {
  const wide = data.edges.source.length > MANY ? LESS_WIDE : WIDE;
  return THIN + (wide - THIN) * Math.min(1, Math.abs(weight) / (most || 1));
}

type Scaled = Pick<GraphDrawing, "most" | "data">;

/** Colour of a line: the sequential ramp, or for signed weights blue below 0 and orange above. */
export function lineColour(weight: number, most: number, signed: boolean, theme: Theme): string {
  const size = Math.min(1, Math.abs(weight) / (most || 1));
  if (!signed) return css(sequential(theme), 0.35 + 0.65 * size);
  const arm = 0.35 + 0.65 * size;
  return css(diverging(theme), (1 + Math.sign(weight) * arm) / 2);
}

/** Dashes of a negative weight: its sign is seen without colours. */
export function lineDash(weight: number): number[] {
  return weight < 0 ? [4, 3] : [];
}

/** Draws over what is there: clearing is the caller's. */
export function drawGraph(ctx: CanvasRenderingContext2D, o: GraphDrawing): void {
  const { data, layout, theme, most, signed, least } = o;
  ctx.save();
  drawBands(ctx, o);
  drawRows(ctx, o);
  nameBands(ctx, o);
  ctx.lineCap = "round";
  for (const e of layout.order) {
    const weight = data.edges.weight[e] ?? Number.NaN;
    if (!isShown(weight, least)) continue;
    ctx.globalAlpha = data.edges.alpha?.[e] ?? 1;
    ctx.strokeStyle = lineColour(weight, most, signed, theme);
    ctx.lineWidth = lineWidth(weight, o);
    ctx.setLineDash(lineDash(weight));
    stroke(ctx, layout.curves, 8 * e);
  }
  ctx.globalAlpha = 1;
  ctx.setLineDash([]);
  const has = linked(data, least);
  // Where rows stand close, dots would hide the lines between them.
  const size = Math.min(1, Math.max(0.35, pitchOf(layout) / 24));
  for (let i = 0; i < has.length; i++) drawNode(ctx, o, i, has[i] === 1, size);
  drawGraphLabels(ctx, o, has);
  ctx.restore();
}

/** What changes while one points, over a clear canvas. */
export function drawGraphOver(
  ctx: CanvasRenderingContext2D,
  o: GraphDrawing,
  over: GraphOver,
): void {
  const { data, layout, theme, least } = o;
  const weightOf = (e: number): number => data.edges.weight[e] ?? 0;
  const edge = (e: number, colour: string): void => {
    ctx.strokeStyle = colour;
    ctx.lineWidth = Math.max(2, lineWidth(weightOf(e), o));
    ctx.setLineDash(lineDash(weightOf(e)));
    stroke(ctx, layout.curves, 8 * e);
    ctx.setLineDash([]);
  };
  ctx.save();
  ctx.lineCap = "round";
  over.lit?.(ctx, o, over);
  if (over.edge !== null) edge(over.edge, theme.accent);
  drawPath(ctx, o, over.path);
  if (over.node !== null) {
    ctx.fillStyle = theme.accent;
    dot(ctx, layout, over.node, 4);
  }
  for (const at of over.picked ?? []) ring(ctx, layout, at, theme.accent);
  for (const item of [over.hover, over.focus]) {
    if (item === null) continue;
    if (item.kind === "edge") edge(item.at, theme.ink);
    else {
      if (!over.lit) for (const e of edgesOf(data, item.at, least)) edge(e, theme.ink);
      ring(ctx, layout, item.at, theme.ink);
    }
  }
  if (over.focus?.kind === "edge") {
    const [x, y] = pointAt(layout.curves, 8 * over.focus.at, 0.5);
    ctx.strokeStyle = theme.ink;
    ctx.lineWidth = 1.5;
    circle(ctx, x, y, 6);
    ctx.stroke();
  }
  ctx.restore();
}

/** A node as a dot; one with a weight of its own has its colour and an edge. */
export function drawNode(
  ctx: CanvasRenderingContext2D,
  { data: { nodes }, layout, theme }: GraphDrawing,
  i: number,
  linked: boolean,
  size: number,
): void {
  const weight = nodes.fill?.[i] ?? Number.NaN;
  const told = linked && Number.isFinite(weight);
  ctx.fillStyle = told ? lineColour(weight, 1, true, theme) : linked ? theme.muted : theme.line;
  dot(ctx, layout, i, told ? 3.5 : size * (linked ? (nodes.radius?.[i] ?? 2.75) : 1.75));
  if (!told) return;
  ctx.strokeStyle = theme.ink;
  ctx.lineWidth = 0.75;
  ctx.stroke();
}

function drawPath(
  ctx: CanvasRenderingContext2D,
  { layout, theme }: GraphDrawing,
  path: readonly Link[],
): void {
  ctx.strokeStyle = theme.accent;
  ctx.lineWidth = 2;
  for (const { source, target } of path) stroke(ctx, curveOf(layout, source, target), 0);
  ctx.font = `600 11px ${theme.sans}`;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  for (const { source, target, label } of path) {
    if (label === "") continue;
    // Where the base has the edge's own name, so that it covers that.
    const [x, y] = pointAt(curveOf(layout, source, target), 0, 0.5);
    halo(ctx, label, x - ctx.measureText(label).width / 2, y, theme.accent, theme.page, 5);
  }
}

/** Grounds of rows that belong together: every second one is darker. */
function drawBands(ctx: CanvasRenderingContext2D, { layout, theme, bands = [] }: GraphDrawing) {
  const { room } = layout;
  for (const [i, band] of bands.entries()) {
    const [top, bottom] = spanOf(layout, band);
    ctx.fillStyle = theme.line;
    ctx.globalAlpha = i % 2 ? 0.55 : 0.2;
    ctx.fillRect(room.x0, top, room.x1 - room.x0, bottom - top);
  }
  ctx.globalAlpha = 1;
}

/** From where to where a band goes, in px down. */
function spanOf(layout: GraphLayout, { first, last }: GraphBand): [top: number, bottom: number] {
  const { rows, direction } = layout;
  const half = pitchOf(layout) / 4;
  const ends = [rows[first] ?? 0, rows[last] ?? 0];
  const [before, after] = direction === "up" ? [3, 1] : [1, 3];
  return [Math.min(...ends) - before * half, Math.max(...ends) + after * half];
}

/** The band at a height, its place in the list; -1: there is none. */
export function bandAt({ layout, bands = [] }: GraphDrawing, y: number): number {
  return bands.findIndex((band) => {
    const [top, bottom] = spanOf(layout, band);
    return top <= y && y < bottom;
  });
}

/** Over the rows' lines, in the middle of each band. */
function nameBands(ctx: CanvasRenderingContext2D, { layout, theme, bands = [] }: GraphDrawing) {
  ctx.font = `600 11px ${theme.sans}`;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  for (const { label, first, last } of bands) {
    const y = ((layout.rows[first] ?? 0) + (layout.rows[last] ?? 0)) / 2;
    const x = layout.room.x1 - ctx.measureText(label).width - 4;
    halo(ctx, label, x, y, theme.muted, theme.page);
  }
}

/** The rows' names, and a faint line where each row is. */
function drawRows(ctx: CanvasRenderingContext2D, { data, layout, theme }: GraphDrawing): void {
  const { room, rows, direction } = layout;
  const across = direction === "right";
  ctx.font = `11px ${theme.sans}`;
  ctx.textBaseline = across ? "top" : "middle";
  ctx.textAlign = across ? "center" : "right";
  const pitch = pitchOf(layout);
  const widest = across ? Math.max(0, ...data.rows.map((name) => ctx.measureText(name).width)) : 6;
  const step = Math.max(1, Math.ceil((widest + 7) / pitch));
  const last = data.rows.length - 1;
  for (const [i, name] of data.rows.entries()) {
    const at = rows[i] ?? 0;
    ctx.fillStyle = theme.line;
    if (!across) ctx.fillRect(room.x0, Math.round(at), room.x1 - room.x0, 1);
    // The last row is always named: it is what the others lead to.
    if (i !== last && (i % step !== 0 || last - i < step)) continue;
    ctx.fillStyle = theme.muted;
    if (across) ctx.fillText(name, at, room.y1 + 4);
    else ctx.fillText(name, room.x0 - 6, at);
  }
}

export function stroke(ctx: CanvasRenderingContext2D, c: ArrayLike<number>, o: number): void {
  const at = (i: number): number => c[o + i] ?? 0;
  ctx.beginPath();
  ctx.moveTo(at(0), at(1));
  ctx.bezierCurveTo(at(2), at(3), at(4), at(5), at(6), at(7));
  ctx.stroke();
}

function circle(ctx: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, 2 * Math.PI);
}

function dot(ctx: CanvasRenderingContext2D, { x, y }: GraphLayout, i: number, radius: number) {
  circle(ctx, x[i] ?? 0, y[i] ?? 0, radius);
  ctx.fill();
}

function ring(ctx: CanvasRenderingContext2D, { x, y }: GraphLayout, i: number, colour: string) {
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1.5;
  circle(ctx, x[i] ?? 0, y[i] ?? 0, 5.5);
  ctx.stroke();
}
