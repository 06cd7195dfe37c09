// A matrix: rows down, columns across, one colour a cell, names along both edges. What takes time
// (cells, names) is drawn once; what follows the pointer (drawHeatOver) goes onto a layer over it.
import { type Axis, drawAxes, drawNames, gutterOf } from "./axis";
import { border, snapper } from "./canvas";
import type { Picture } from "./picture";
import type { Theme } from "./theme";
import { type Cell, cellSize, type Frame, type Shape, type View } from "./viewport";

/** Cells (row, row - back) from row `first` on: a diagonal to be marked. */
export interface Stripe {
  back: number;
  first: number;
}

export interface HeatDrawing {
  view: View;
  shape: Shape;
  /** May cover another window than the view's, while one zooms; null where there is none yet. */
  picture: Picture | null;
  theme: Theme;
  rows: Axis;
  cols: Axis;
  /** Cells above the diagonal cannot be. */
  causal: boolean;
  /** A sentence in place of data, such as "needs the kernel". */
  missing: string | null;
  stripe?: Stripe | null | undefined;
  /** A letter or a number on a cell (row * columns + column), where it fits. */
  marks?: ReadonlyMap<number, string> | undefined;
}

export interface HeatOver {
  hover: Cell | null;
  /** A row without a column: the whole row. */
  selected: { row: number | null; col: number | null };
}

const LEAST = 60;
/** A cell of a matrix that is no square of the same things is no higher than this. */
const HIGHEST_CELL = 22;
const HATCH = 5;
/** Width of a letter, as a part of its size, and the smallest size that can be read. */
const LETTER = 0.64;
const LEAST_MARK = 8.5;
/** Of the next cell's number. */
const BESIDE = 3;

/** The place of the cells in a box: as large as it allows, square if both edges are the same things. */
export function heatFrame(
  box: { width: number; height: number | null },
  { rows, cols, shape }: Pick<HeatDrawing, "rows" | "cols" | "shape">,
): Frame {
  const [x, y] = [gutterOf(rows, cols), gutterOf(cols, rows)];
  const width = Math.max(LEAST, box.width - x - 2);
  const room = box.height === null ? Number.POSITIVE_INFINITY : Math.max(LEAST, box.height - y - 2);
  if (shape.rows === shape.cols) {
    const size = Math.min(width, room);
    return { x, y, width: size, height: size };
  }
  const cell = Math.min(HIGHEST_CELL, room / Math.max(1, shape.rows));
  return { x, y, width, height: Math.max(8, cell * shape.rows) };
}

/** Draws over what is there: clearing is the caller's. */
export function drawHeat(ctx: CanvasRenderingContext2D, o: HeatDrawing): void {
  ctx.save();
  if (o.missing === null) drawCells(ctx, o);
  drawFrame(ctx, o);
  if (o.missing === null && o.stripe && o.picture) drawStripe(ctx, o, o.stripe);
  if (o.missing === null) drawMarks(ctx, o);
  else drawSentence(ctx, o, o.missing);
  drawAxes(ctx, o.view, o.theme, o.rows, o.cols);
  ctx.restore();
}

/** Selection and pointer: a few strokes, whatever the size of the matrix. */
export function drawHeatOver(
  ctx: CanvasRenderingContext2D,
  o: Pick<HeatDrawing, "view" | "theme" | "rows" | "cols" | "causal">,
  { hover, selected }: HeatOver,
): void {
  ctx.save();
  drawHover(ctx, o, hover);
  drawSelection(ctx, o, selected);
  drawNames(ctx, o.view, o.theme, o, [
    ...(hover ? [{ ...hover, colour: o.theme.ink }] : []),
    { ...selected, colour: o.theme.accent },
  ]);
  ctx.restore();
}

function clipped(ctx: CanvasRenderingContext2D, { x, y, width, height }: Frame): void {
  ctx.beginPath();
  ctx.rect(x, y, width, height);
  ctx.clip();
}

function drawCells(ctx: CanvasRenderingContext2D, o: HeatDrawing): void {
  const { view, picture } = o;
  if (!picture || picture.canvas.width === 0 || picture.canvas.height === 0) return;
  const { canvas, window, step } = picture;
  const cell = cellSize(view);
  ctx.save();
  clipped(ctx, view);
  // What has no value is clear in the picture: the hatching behind it shows there.
  if (!o.causal) hatch(ctx, view, o.theme.line);
  // A cell that is smaller than a pixel would flicker if only one of its neighbours were taken.
  ctx.imageSmoothingEnabled = Math.min(cell.width, cell.height) * step < 1;
  // The last row and column of blocks may cover fewer cells: only that part of them is drawn.
  const [rows, cols] = [(window.r1 - window.r0) / step, (window.c1 - window.c0) / step];
  const left = view.x + (window.c0 - view.c0) * cell.width;
  const top = view.y + (window.r0 - view.r0) * cell.height;
  const [width, height] = [cols * step * cell.width, rows * step * cell.height];
  ctx.drawImage(canvas, 0, 0, cols, rows, left, top, width, height);
  ctx.restore();
}

function hatch(ctx: CanvasRenderingContext2D, frame: Frame, colour: string): void {
  const { x, y, width, height } = frame;
  ctx.beginPath();
  for (let d = 0; d < width + height; d += HATCH) {
    ctx.moveTo(x + d, y);
    ctx.lineTo(x + d - height, y + height);
  }
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1;
  ctx.stroke();
}

function drawFrame(ctx: CanvasRenderingContext2D, o: HeatDrawing): void {
  const { view, theme } = o;
  const { x, y, width, height } = view;
  if (o.causal && o.picture && o.missing === null) {
    // Where the future begins: along the corners of the diagonal's cells, touching none of them.
    ctx.save();
    clipped(ctx, view);
    ctx.strokeStyle = theme.line;
    diagonal(ctx, view, 1, [-1, Math.max(o.shape.rows, o.shape.cols)]);
    ctx.restore();
  }
  ctx.fillStyle = theme.line;
  border(ctx, { x0: x, y0: y, x1: x + width, y1: y + height }, 1);
}

/** A line through the corners (row, row + ahead) of rows [from, to]. */
function diagonal(
  ctx: CanvasRenderingContext2D,
  view: View,
  ahead: number,
  [from, to]: readonly [number, number],
): void {
  const cell = cellSize(view);
  const place = (row: number): [number, number] => [
    view.x + (row + ahead - view.c0) * cell.width,
    view.y + (row - view.r0) * cell.height,
  ];
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.moveTo(...place(from));
  ctx.lineTo(...place(to));
  ctx.stroke();
}

/** Two thin lines along a diagonal: what is marked stays readable. */
function drawStripe(ctx: CanvasRenderingContext2D, o: HeatDrawing, { back, first }: Stripe): void {
  const rows = o.shape.rows;
  if (first >= rows) return;
  ctx.save();
  clipped(ctx, o.view);
  ctx.strokeStyle = o.theme.ink;
  ctx.globalAlpha = 0.55;
  // Along the cells' upper right and lower left corners.
  diagonal(ctx, o.view, 1 - back, [first, rows - 1]);
  diagonal(ctx, o.view, -1 - back, [first + 1, rows]);
  ctx.restore();
}

function drawMarks(
  ctx: CanvasRenderingContext2D,
  { view, shape, theme, marks }: HeatDrawing,
): void {
  if (!marks || marks.size === 0) return;
  const cell = cellSize(view);
  ctx.save();
  clipped(ctx, view);
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  const high = Math.max(9, Math.min(13, cell.height * 0.7));
  for (const [index, mark] of marks) {
    // A number that would reach into the next cell is left out: pointing at the cell says it.
    const wide = mark.length > 1 ? (cell.width - 2 * BESIDE) / (LETTER * mark.length) : high;
    if (wide < LEAST_MARK) continue;
    ctx.font = `600 ${Math.min(high, wide)}px ${theme.sans}`;
    const x = view.x + ((index % shape.cols) + 0.5 - view.c0) * cell.width;
    const y = view.y + (Math.floor(index / shape.cols) + 0.5 - view.r0) * cell.height;
    // Readable on any colour of the table.
    ctx.lineWidth = 3;
    ctx.strokeStyle = theme.page;
    ctx.strokeText(mark, x, y);
    ctx.fillStyle = theme.ink;
    ctx.fillText(mark, x, y);
  }
  ctx.restore();
}

type Over = Parameters<typeof drawHeatOver>[1];

/** The place of rows or columns [from, to) along an edge, cut to the frame; null when outside it. */
function band(
  view: View,
  from: number,
  to: number,
  way: "down" | "across",
): [number, number] | null {
  const cell = cellSize(view);
  const [edge, first, size, room] =
    way === "down"
      ? [view.y, view.r0, cell.height, view.height]
      : [view.x, view.c0, cell.width, view.width];
  const start = Math.max(edge, edge + (from - first) * size);
  const end = Math.min(edge + room, edge + (to - first) * size);
  return end <= start ? null : [start, end];
}

function drawSelection(
  ctx: CanvasRenderingContext2D,
  { view, theme, causal }: Over,
  { row, col }: HeatOver["selected"],
): void {
  ctx.fillStyle = theme.accent;
  const all = Number.POSITIVE_INFINITY;
  if (!causal && row !== null && col !== null) {
    outline(ctx, band(view, col, col + 1, "across"), band(view, row, row + 1, "down"), 2);
    return;
  }
  if (col !== null) {
    // The part of a column that can be: from the diagonal down.
    const from = causal ? col : 0;
    outline(ctx, band(view, col, col + 1, "across"), band(view, from, all, "down"), 1);
  }
  if (row !== null) {
    const to = causal ? row + 1 : all;
    outline(ctx, band(view, 0, to, "across"), band(view, row, row + 1, "down"), 1.5);
  }
}

/** A box around cells, outside of them, and wide enough to be seen around the smallest. */
function outline(
  ctx: CanvasRenderingContext2D,
  across: [number, number] | null,
  down: [number, number] | null,
  width: number,
): void {
  if (!across || !down) return;
  const [x0, y0] = [across[0], down[0]];
  border(ctx, { x0, y0, x1: Math.max(across[1], x0 + 2), y1: Math.max(down[1], y0 + 2) }, width);
}

/** The hovered cell, and two hairlines to where its row and column are named. */
function drawHover(ctx: CanvasRenderingContext2D, { view, theme }: Over, hover: Cell | null): void {
  if (!hover) return;
  const across = band(view, hover.col, hover.col + 1, "across");
  const down = band(view, hover.row, hover.row + 1, "down");
  if (!across || !down) return;
  const snap = snapper(ctx);
  const x = snap((across[0] + across[1]) / 2 - 0.5);
  const y = snap((down[0] + down[1]) / 2 - 0.5);
  ctx.fillStyle = theme.muted;
  ctx.globalAlpha = 0.5;
  ctx.fillRect(view.x, y, Math.max(0, across[0] - 1 - view.x), 1);
  ctx.fillRect(x, view.y, 1, Math.max(0, down[0] - 1 - view.y));
  ctx.globalAlpha = 1;
  ctx.fillStyle = theme.ink;
  outline(ctx, across, down, 1);
}

function drawSentence(ctx: CanvasRenderingContext2D, o: HeatDrawing, sentence: string): void {
  const { view, theme } = o;
  ctx.font = `12px ${theme.sans}`;
  ctx.fillStyle = theme.muted;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  const lines = [""];
  for (const word of sentence.split(/\s+/)) {
    const tried = `${lines[lines.length - 1]} ${word}`.trim();
    if (lines[lines.length - 1] !== "" && ctx.measureText(tried).width > view.width - 32)
      lines.push(word);
    else lines[lines.length - 1] = tried;
  }
  const middle = view.y + view.height / 2 - ((lines.length - 1) * 18) / 2;
  for (const [i, line] of lines.entries())
    ctx.fillText(line, view.x + view.width / 2, middle + i * 18);
}
