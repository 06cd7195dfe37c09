// Every head's score: rows are layers, columns are heads, a bar at the right for each layer.
import { border, snapper } from "./canvas";
import { css } from "./color";
import type { Theme } from "./theme";

export interface GridLayout {
  layers: number;
  heads: number;
  /** A head's square, and the gap after it, in px; `pitch` is both. */
  cell: number;
  gapX: number;
  gapY: number;
  pitch: number;
  /** The first cell's corner. */
  x0: number;
  y0: number;
  /** Where the layers' bars start, and the longest one's length. */
  barX: number;
  barWidth: number;
  /** Of the whole drawing; more than was offered when cells would be too small to hit. */
  width: number;
  height: number;
  rowLabels: number[];
  columnLabels: number[];
}

const MIN_PITCH = 6;
const MAX_PITCH = 32;
const GUTTER = 24;
const TOP = 16;
const BAR_GAP = 9;
const BAR_WIDTH = 28;
/** The selection's outline stands out of the grid by this much. */
const EDGE = 4;
const HATCH = 4;

/** Lays out the grid for `width`; it is higher than `maxHeight` (and then scrolls) only at 6 px cells. */
export function gridLayout(
  nLayers: number,
  nHeads: number,
  width: number,
  maxHeight: number,
): GridLayout {
  const across = (width - GUTTER - BAR_GAP - BAR_WIDTH - EDGE) / Math.max(1, nHeads);
  const down = (maxHeight - TOP - EDGE) / Math.max(1, nLayers);
  const pitch = Math.floor(Math.min(MAX_PITCH, Math.max(MIN_PITCH, Math.min(across, down))));
  const barX = GUTTER + nHeads * pitch + BAR_GAP;
  // A label has the width of two digits; a row that of one line of text.
  const columnStep = niceStep(Math.ceil((nHeads > 10 ? 13 : 8) / pitch));
  const rowStep = nLayers <= 12 && pitch >= 11 ? 1 : niceStep(Math.max(5, Math.ceil(12 / pitch)));
  return {
    layers: nLayers,
    heads: nHeads,
    cell: pitch - 1,
    gapX: 1,
    gapY: 1,
    pitch,
    x0: GUTTER,
    y0: TOP,
    barX,
    barWidth: BAR_WIDTH,
    width: barX + BAR_WIDTH + EDGE,
    height: TOP + nLayers * pitch + EDGE,
    rowLabels: every(nLayers, rowStep),
    columnLabels: every(nHeads, columnStep),
  };
}

function niceStep(least: number): number {
  return [1, 2, 5, 10, 20, 50].find((step) => step >= least) ?? 100;
}

/** Every step-th, and the last one too, which tells how many there are. */
function every(n: number, step: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < n; i += step) out.push(i);
  const last = out[out.length - 1];
  if (step > 1 && last !== undefined && last !== n - 1) {
    if (n - 1 - last < step * 0.6) out.pop();
    out.push(n - 1);
  }
  return out;
}

export interface GridDrawing {
  layout: GridLayout;
  /** layer * heads + head; NaN: not computed. */
  values: Float32Array;
  table: Uint32Array;
  theme: Theme;
  vmin: number;
  vmax: number;
  selected: { layer: number; head: number } | null;
  hover: { layer: number; head: number } | null;
  /** 1: a dot in the cell, for what the view says it means (above chance, in the circuit). */
  marks?: Uint8Array;
}

/** Draws over what is there: clearing is the caller's. */
export function drawGrid(ctx: CanvasRenderingContext2D, o: GridDrawing): void {
  ctx.save();
  drawCells(ctx, o);
  drawBars(ctx, o);
  drawNumbers(ctx, o);
  const { hover, selected, layout, theme } = o;
  if (hover && !(selected?.layer === hover.layer && selected.head === hover.head)) {
    ring(ctx, layout, hover, theme.muted, 0, 1);
  }
  if (selected) {
    // A rim of page between cell and ring, so that the ring stands clear of any colour beside it.
    ring(ctx, layout, selected, theme.page, 0, 2);
    ring(ctx, layout, selected, theme.accent, 1, 2);
  }
  ctx.restore();
}

function drawCells(ctx: CanvasRenderingContext2D, o: GridDrawing): void {
  const { layout: g, values, table, theme, vmin, vmax } = o;
  // The ramp starts at the page's colour: the lattice is what shows that a cell of 0 is there.
  ctx.fillStyle = theme.line;
  ctx.globalAlpha = theme.dark ? 0.4 : 0.55;
  ctx.fillRect(
    g.x0 - g.gapX,
    g.y0 - g.gapY,
    g.heads * g.pitch + g.gapX,
    g.layers * g.pitch + g.gapY,
  );
  ctx.globalAlpha = 1;
  const snap = snapper(ctx);
  const gap = snap(1) || 1;
  const missing: [number, number][] = [];
  for (let i = 0; i < g.layers * g.heads; i++) {
    const [x, y] = corner(g, Math.floor(i / g.heads), i % g.heads);
    const value = values[i] ?? Number.NaN;
    const t = share(value, vmin, vmax);
    ctx.fillStyle = Number.isNaN(value) ? theme.page : css(table, t);
    const [left, top] = [snap(x), snap(y)];
    // The gap is kept at the same number of device px throughout.
    ctx.fillRect(left, top, snap(x + g.pitch) - left - gap, snap(y + g.pitch) - top - gap);
    if (Number.isNaN(value)) missing.push([x, y]);
    if (o.marks?.[i]) {
      ctx.fillStyle = t > 0.5 ? theme.page : theme.ink;
      ctx.beginPath();
      ctx.arc(x + g.cell / 2, y + g.cell / 2, Math.max(1, g.cell / 8), 0, 2 * Math.PI);
      ctx.fill();
    }
  }
  if (missing.length > 0) hatch(ctx, g, missing, theme.line);
}

/** Fine diagonals through all the cells that have no value: one clip, one path. */
function hatch(
  ctx: CanvasRenderingContext2D,
  g: GridLayout,
  cells: [number, number][],
  colour: string,
): void {
  ctx.save();
  ctx.beginPath();
  for (const [x, y] of cells) ctx.rect(x, y, g.cell, g.cell);
  ctx.clip();
  const [width, height] = [g.heads * g.pitch, g.layers * g.pitch];
  ctx.beginPath();
  for (let d = 0; d < width + height; d += HATCH) {
    ctx.moveTo(g.x0 + d, g.y0);
    ctx.lineTo(g.x0 + d - height, g.y0 + height);
  }
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1;
  ctx.stroke();
  ctx.restore();
}

/** The best head of each layer, so that the depth of a behaviour can be read at a glance. */
function drawBars(ctx: CanvasRenderingContext2D, o: GridDrawing): void {
  const { layout: g, values, theme, vmin, vmax } = o;
  const height = Math.max(2, Math.round(g.cell * 0.5));
  const whole = Math.max(Math.abs(vmin), Math.abs(vmax));
  for (let layer = 0; layer < g.layers; layer++) {
    let best = Number.NaN;
    for (const value of values.subarray(layer * g.heads, (layer + 1) * g.heads)) {
      // Signed scores: the strongest of either sign.
      const size = vmin < 0 ? Math.abs(value) : value;
      if (!Number.isNaN(size) && !(size <= best)) best = size;
    }
    if (Number.isNaN(best)) continue;
    const t = vmin < 0 ? share(best, 0, whole) : share(best, vmin, vmax);
    const y = g.y0 + layer * g.pitch + Math.floor((g.cell - height) / 2);
    // Zero has a mark too: a layer without a mark is one that was not computed.
    ctx.fillStyle = theme.line;
    ctx.fillRect(g.barX, y, 1, height);
    ctx.fillStyle = theme.muted;
    const length = Math.round(t * g.barWidth);
    if (length > 0) ctx.fillRect(g.barX, y, length, height);
  }
}

function drawNumbers(
  ctx: CanvasRenderingContext2D,
  { layout: g, theme, selected, hover }: GridDrawing,
): void {
  ctx.font = `10px ${theme.sans}`;
  ctx.textBaseline = "middle";
  const number = (text: number, x: number, y: number, is: "layer" | "head"): void => {
    ctx.fillStyle =
      selected?.[is] === text ? theme.accent : hover?.[is] === text ? theme.ink : theme.muted;
    ctx.fillText(String(text), x, y);
  };
  const near = (labels: number[], room: number, must: (number | undefined)[]): number[] => {
    const kept: number[] = [];
    for (const i of [...must, ...labels]) {
      if (i !== undefined && kept.every((j) => Math.abs(i - j) * g.pitch >= room)) kept.push(i);
    }
    return kept;
  };
  ctx.textAlign = "right";
  for (const layer of near(g.rowLabels, 11, [selected?.layer, hover?.layer])) {
    number(layer, g.x0 - 7, g.y0 + layer * g.pitch + g.cell / 2 + 0.5, "layer");
  }
  ctx.textAlign = "center";
  for (const head of near(g.columnLabels, 13, [selected?.head, hover?.head])) {
    number(head, g.x0 + head * g.pitch + g.cell / 2, g.y0 - 9, "head");
  }
}

/** A box around a cell, `out` px of room between them. */
function ring(
  ctx: CanvasRenderingContext2D,
  g: GridLayout,
  at: { layer: number; head: number },
  colour: string,
  out: number,
  width: number,
): void {
  const [x, y] = corner(g, at.layer, at.head);
  ctx.fillStyle = colour;
  const [x1, y1] = [x + g.cell + out, y + g.cell + out];
  border(ctx, { x0: x - out, y0: y - out, x1, y1 }, width);
}

const corner = (g: GridLayout, layer: number, head: number): [number, number] => [
  g.x0 + head * g.pitch,
  g.y0 + layer * g.pitch,
];

/** Where a value is between two others, 0 to 1. */
function share(value: number, low: number, high: number): number {
  return high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0;
}

/** The head under a point; the gap after a cell counts as its own. */
export function hitGrid(
  g: GridLayout,
  px: number,
  py: number,
): { layer: number; head: number } | null {
  const head = Math.floor((px - g.x0) / g.pitch);
  const layer = Math.floor((py - g.y0) / g.pitch);
  return head >= 0 && head < g.heads && layer >= 0 && layer < g.layers ? { layer, head } : null;
}
