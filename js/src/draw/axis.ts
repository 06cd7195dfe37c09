// The names along two edges of a matrix, and what the edges are.
import { chooseLabels, fitted } from "./label";
import type { Theme } from "./theme";
import { cellSize, type View } from "./viewport";

export interface Axis {
  /** What runs along it: "query", "sender". */
  label: string;
  /** A name each; which of them fit is chosen here. None: an edge without names. */
  names: readonly string[];
  /** The longest name that the edge makes room for; 10 letters unless it is said. */
  letters?: number | undefined;
}

/** Between a matrix and its names. */
const PAD = 6;
/** The least room between two names: a short prompt has all its tokens named. */
const LEAST_ROOM = 9.5;
const ROOM = 11;
const ADVANCE = 6.7;
const WIDE_ADVANCE = 11;
/** The longest name that an edge makes room for by itself. */
const MOST_LETTERS = 10;
/** Half the height of a name. */
const HALF_NAME = 6;
/** The two lines in the corner that name the axes. */
const CORNER = 15;

/** The room that an axis' names need beside the matrix, in px. */
export function gutterOf(axis: Axis, other: Axis): number {
  let longest = 0;
  const most = axis.letters ?? MOST_LETTERS;
  // The first ones are as long as any: a text of ten thousand tokens is not measured for each paint.
  for (const name of axis.names.slice(0, 500)) {
    const letters = name.trim().slice(0, most);
    const wide = /^[ -~]*$/.test(letters) ? ADVANCE : WIDE_ADVANCE;
    longest = Math.max(longest, letters.length * wide);
  }
  const named = axis.label || other.label ? 56 : 0;
  return Math.ceil(Math.max(named, Math.min(longest, most * ADVANCE) + PAD + 4, 2));
}

/** The names that are always there, and the axes' own names in the corner. */
export function drawAxes(
  ctx: CanvasRenderingContext2D,
  view: View,
  theme: Theme,
  rows: Axis,
  cols: Axis,
): void {
  for (const edge of [left(view, rows), top(view, cols)]) {
    if (edge.gutter < 12) continue;
    style(ctx, edge, theme);
    ctx.fillStyle = theme.muted;
    for (const i of shown(edge)) edge.write(ctx, i, fitted(ctx, edge.names[i] ?? "", edge.gutter));
  }
  if (view.x < 40 || view.y < 2 * CORNER) return;
  ctx.font = `11px ${theme.sans}`;
  ctx.fillStyle = theme.muted;
  ctx.textAlign = "right";
  ctx.textBaseline = "alphabetic";
  // The first names of small cells reach over their ends.
  const { width, height } = cellSize(view);
  const away = (cell: number): number => PAD + Math.max(0, HALF_NAME - cell / 2);
  const [x, y] = [away(width), away(height)];
  if (cols.label) ctx.fillText(`${cols.label} →`, view.x - x, view.y - y - CORNER);
  if (rows.label) ctx.fillText(`${rows.label} ↓`, view.x - x, view.y - y);
}

/** Names in another colour, over those that are always there: the last one comes out on top. */
export function drawNames(
  ctx: CanvasRenderingContext2D,
  view: View,
  theme: Theme,
  axes: { rows: Axis; cols: Axis },
  named: readonly { row: number | null; col: number | null; colour: string }[],
): void {
  const edges = [left(view, axes.rows), top(view, axes.cols)] as const;
  for (const [side, edge] of edges.entries()) {
    if (edge.gutter < 12) continue;
    style(ctx, edge, theme);
    const always = shown(edge);
    for (const { row, col, colour } of named) {
      const i = side === 0 ? row : col;
      if (i === null || i < edge.from || i >= edge.to) continue;
      // A name that comes too close to it gives way.
      ctx.fillStyle = theme.page;
      for (const j of [i, ...always])
        if (Math.abs(i - j) * edge.cell < edge.room) edge.wipe(ctx, j);
      ctx.fillStyle = colour;
      edge.write(ctx, i, fitted(ctx, edge.names[i] ?? "", edge.gutter));
    }
  }
}

interface Edge {
  names: readonly string[];
  /** Those whose middle is in view: [from, to). */
  from: number;
  to: number;
  cell: number;
  room: number;
  /** Length of the longest name, in px. */
  gutter: number;
  write: (ctx: CanvasRenderingContext2D, i: number, text: string) => void;
  wipe: (ctx: CanvasRenderingContext2D, i: number) => void;
}

function edgeOf(
  names: readonly string[],
  start: number,
  end: number,
  cell: number,
  gutter: number,
): Omit<Edge, "write" | "wipe"> {
  return {
    names,
    from: Math.max(0, Math.ceil(start - 0.5)),
    to: Math.min(names.length, Math.floor(end - 0.5) + 1),
    cell,
    room: cell < LEAST_ROOM ? ROOM : LEAST_ROOM,
    gutter,
  };
}

function left(view: View, axis: Axis): Edge {
  const { height } = cellSize(view);
  const at = (i: number): number => view.y + (i + 0.5 - view.r0) * height;
  const gutter = view.x - PAD - 2;
  return {
    ...edgeOf(axis.names, view.r0, view.r1, height, gutter),
    write: (ctx, i, text) => {
      ctx.textAlign = "right";
      ctx.fillText(text, view.x - PAD, at(i) + 0.5);
    },
    wipe: (ctx, i) => ctx.fillRect(0, at(i) - 6, view.x - PAD + 2, 12),
  };
}

function top(view: View, axis: Axis): Edge {
  const { width } = cellSize(view);
  const at = (i: number): number => view.x + (i + 0.5 - view.c0) * width;
  const gutter = view.y - PAD - 2;
  return {
    ...edgeOf(axis.names, view.c0, view.c1, width, gutter),
    write: (ctx, i, text) => {
      ctx.textAlign = "left";
      ctx.save();
      ctx.translate(at(i) + 0.5, view.y - PAD);
      ctx.rotate(-Math.PI / 2);
      ctx.fillText(text, 0, 0);
      ctx.restore();
    },
    wipe: (ctx, i) => ctx.fillRect(at(i) - 6, 0, 12, view.y - PAD + 2),
  };
}

/** Small enough for every token of a short prompt to have its name, never too small to read. */
function style(ctx: CanvasRenderingContext2D, { cell }: Edge, theme: Theme): void {
  ctx.font = `${cell >= 11 || cell < LEAST_ROOM ? 11 : 10}px ${theme.mono}`;
  ctx.direction = "ltr";
  ctx.textBaseline = "middle";
}

function shown({ from, to, cell, room }: Edge): number[] {
  return chooseLabels(from, to, cell, [], room);
}
