// One head's attention: queries down, keys across, the tokens along both edges.
import { border, type Canvas, snapper } from "./canvas";
import { chooseLabels, fitted } from "./label";
import type { Theme } from "./theme";
import { stride } from "./tile";
import { cellSize, type MatrixView } from "./viewport";

export { labelText } from "./label";
export {
  cellSize,
  clampView,
  hit,
  type MatrixView,
  panBy,
  reveal,
  whole,
  zoomAt,
} from "./viewport";

export interface TokenWindow {
  q0: number;
  q1: number;
  k0: number;
  k1: number;
}

export interface MatrixDrawing {
  view: MatrixView;
  /** A painted tile (tile.ts), one pixel a cell; null where there is none yet. */
  tile: Canvas | null;
  /** The tokens that the tile covers; may be another window than the view's, while one zooms. */
  tileWindow: TokenWindow;
  theme: Theme;
  /** Every token; which of them fit is chosen here. Left of the matrix is their gutter, and above. */
  labels: { rows: string[]; cols: string[] };
  selectedQuery: number | null;
  selectedKey: number | null;
  hover: { q: number; k: number } | null;
  /** A sentence in place of data, such as "needs the kernel". */
  missing: string | null;
}

/** Between the matrix and its labels. */
const PAD = 6;
/** The least room between two labels: a short prompt has all its tokens named. */
const LABEL_ROOM = 9.5;

/** Draws over what is there: clearing is the caller's. */
export function drawMatrix(ctx: CanvasRenderingContext2D, o: MatrixDrawing): void {
  ctx.save();
  drawCells(ctx, o);
  drawFrame(ctx, o);
  if (o.missing !== null) drawSentence(ctx, o, o.missing);
  drawHover(ctx, o);
  drawSelection(ctx, o);
  drawRowLabels(ctx, o);
  drawColumnLabels(ctx, o);
  ctx.restore();
}

function drawCells(
  ctx: CanvasRenderingContext2D,
  { view, tile, tileWindow: t, missing }: MatrixDrawing,
): void {
  if (!tile || missing !== null || tile.width === 0 || tile.height === 0) return;
  const cell = cellSize(view);
  const step = stride({ ...t, rows: tile.height, cols: tile.width });
  ctx.save();
  ctx.beginPath();
  ctx.rect(view.x, view.y, view.size, view.size);
  ctx.clip();
  // A cell that is smaller than a pixel would flicker if only one of its neighbours were taken.
  ctx.imageSmoothingEnabled = cell * step < 1;
  // The last row and column of blocks may cover fewer tokens: only that part of them is drawn.
  const [rows, cols] = [(t.q1 - t.q0) / step, (t.k1 - t.k0) / step];
  const left = view.x + (t.k0 - view.k0) * cell;
  const top = view.y + (t.q0 - view.q0) * cell;
  ctx.drawImage(tile, 0, 0, cols, rows, left, top, cols * step * cell, rows * step * cell);
  ctx.restore();
}

function drawFrame(
  ctx: CanvasRenderingContext2D,
  { view, theme, tile, missing }: MatrixDrawing,
): void {
  const { x, y, size } = view;
  // Where the future begins: along the corners of the diagonal's cells, touching none of them.
  const cell = cellSize(view);
  const offset = (view.q0 + 1 - view.k0) * cell;
  const [from, to] = [Math.max(0, -offset), Math.min(size, size - offset)];
  if (from < to && tile && missing === null) {
    ctx.strokeStyle = theme.line;
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.moveTo(x + from + offset, y + from);
    ctx.lineTo(x + to + offset, y + to);
    ctx.stroke();
  }
  ctx.fillStyle = theme.line;
  border(ctx, { x0: x, y0: y, x1: x + size, y1: y + size }, 1);
}

/** The place of a token's cell along an edge, cut to the frame; null when outside it. */
function band(
  view: MatrixView,
  from: number,
  to: number,
  axis: "q" | "k",
): [number, number] | null {
  const cell = cellSize(view);
  const [edge, first] = axis === "q" ? [view.y, view.q0] : [view.x, view.k0];
  const start = Math.max(edge, edge + (from - first) * cell);
  const end = Math.min(edge + view.size, edge + (to - first) * cell);
  return end <= start ? null : [start, end];
}

function drawSelection(ctx: CanvasRenderingContext2D, o: MatrixDrawing): void {
  const { view, selectedQuery: q, selectedKey: k, theme } = o;
  ctx.fillStyle = theme.accent;
  if (k !== null) {
    // The column a key can be seen in: from its own query down.
    outline(ctx, band(view, k, k + 1, "k"), band(view, k, Number.POSITIVE_INFINITY, "q"), 1);
  }
  if (q !== null) {
    outline(ctx, band(view, 0, q + 1, "k"), band(view, q, q + 1, "q"), 1.5);
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

/** The hovered cell, and two hairlines to where its tokens are named. */
function drawHover(ctx: CanvasRenderingContext2D, { view, hover, theme }: MatrixDrawing): void {
  if (!hover) return;
  const across = band(view, hover.k, hover.k + 1, "k");
  const down = band(view, hover.q, hover.q + 1, "q");
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

/** Small enough for every token of a short prompt to have its label, never too small to read. */
function labelSize(cell: number): number {
  return cell >= 11 || cell < LABEL_ROOM ? 11 : 10;
}

interface Edge {
  /** Where along the edge the labels' first token starts, in tokens. */
  first: number;
  tokens: string[];
  selected: number | null;
  hover: number | null;
  /** Length of the longest label, in px. */
  gutter: number;
}

function drawLabels(
  ctx: CanvasRenderingContext2D,
  { view, theme }: MatrixDrawing,
  edge: Edge,
  place: (along: number, text: string) => void,
): void {
  const cell = cellSize(view);
  // Those whose middle is inside the frame.
  const from = Math.max(0, Math.ceil(edge.first - 0.5));
  const to = Math.min(edge.tokens.length, Math.floor(edge.first + view.size / cell - 0.5) + 1);
  if (edge.gutter < 12) return;
  ctx.font = `${labelSize(cell)}px ${theme.mono}`;
  ctx.direction = "ltr";
  ctx.textBaseline = "middle";
  for (const i of chooseLabels(
    from,
    to,
    cell,
    [edge.selected, edge.hover],
    cell < LABEL_ROOM ? 11 : LABEL_ROOM,
  )) {
    ctx.fillStyle = i === edge.selected ? theme.accent : i === edge.hover ? theme.ink : theme.muted;
    place((i + 0.5 - edge.first) * cell, fitted(ctx, edge.tokens[i] ?? "", edge.gutter));
  }
}

function drawRowLabels(ctx: CanvasRenderingContext2D, o: MatrixDrawing): void {
  const { view } = o;
  ctx.textAlign = "right";
  drawLabels(
    ctx,
    o,
    {
      first: view.q0,
      tokens: o.labels.rows,
      selected: o.selectedQuery,
      hover: o.hover?.q ?? null,
      gutter: view.x - PAD - 2,
    },
    (along, text) => ctx.fillText(text, view.x - PAD, view.y + along + 0.5),
  );
}

function drawColumnLabels(ctx: CanvasRenderingContext2D, o: MatrixDrawing): void {
  const { view } = o;
  ctx.textAlign = "left";
  drawLabels(
    ctx,
    o,
    {
      first: view.k0,
      tokens: o.labels.cols,
      selected: o.selectedKey,
      hover: o.hover?.k ?? null,
      gutter: view.y - PAD - 2,
    },
    (along, text) => {
      ctx.save();
      ctx.translate(view.x + along + 0.5, view.y - PAD);
      ctx.rotate(-Math.PI / 2);
      ctx.fillText(text, 0, 0);
      ctx.restore();
    },
  );
}

function drawSentence(
  ctx: CanvasRenderingContext2D,
  { view, theme }: MatrixDrawing,
  sentence: string,
): void {
  ctx.font = `12px ${theme.sans}`;
  ctx.fillStyle = theme.muted;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  const lines = [""];
  for (const word of sentence.split(/\s+/)) {
    const tried = `${lines[lines.length - 1]} ${word}`.trim();
    if (lines[lines.length - 1] !== "" && ctx.measureText(tried).width > view.size - 32)
      lines.push(word);
    else lines[lines.length - 1] = tried;
  }
  const middle = view.y + view.size / 2 - ((lines.length - 1) * 18) / 2;
  for (const [i, line] of lines.entries()) {
    ctx.fillText(line, view.x + view.size / 2, middle + i * 18);
  }
}
