// Small pictures in rows, each with its name below.
import type { Picture } from "./picture";
import type { Theme } from "./theme";

const CELL = 46;
const GAP = 8;
const NAME = 14;
const [PITCH_X, PITCH_Y] = [CELL + GAP, CELL + NAME + GAP];

export interface Thumbnails {
  names: readonly string[];
  /** Null: there is none. */
  pictures: readonly (Picture | null)[];
  width: number;
  theme: Theme;
}

function columnsIn(width: number): number {
  return Math.max(1, Math.floor((width + GAP) / PITCH_X));
}

export function heightOf(count: number, width: number): number {
  return Math.max(0, Math.ceil(count / columnsIn(width)) * PITCH_Y - GAP);
}

function placeOf(at: number, width: number): { x: number; y: number } {
  const columns = columnsIn(width);
  return { x: (at % columns) * PITCH_X, y: Math.floor(at / columns) * PITCH_Y };
}

/** Which one is at a place; null between them. */
export function hitThumbnail(count: number, width: number, x: number, y: number): number | null {
  const [column, row] = [Math.floor(x / PITCH_X), Math.floor(y / PITCH_Y)];
  const at = row * columnsIn(width) + column;
  return column >= 0 && row >= 0 && column < columnsIn(width) && at < count ? at : null;
}

export function drawThumbnails(ctx: CanvasRenderingContext2D, o: Thumbnails): void {
  ctx.imageSmoothingEnabled = false;
  for (const [at, picture] of o.pictures.entries()) {
    const { x, y } = placeOf(at, o.width);
    if (picture) ctx.drawImage(picture.canvas, x + 1, y + 1, CELL - 2, CELL - 2);
    frame(ctx, o, at, o.theme.line, 1, o.theme.muted);
  }
}

interface Over {
  selected: number | null;
  hover: number | null;
}

export function drawThumbnailsOver(
  ctx: CanvasRenderingContext2D,
  o: Thumbnails,
  { selected, hover }: Over,
): void {
  const { accent, ink } = o.theme;
  if (hover !== null && hover < o.names.length) frame(ctx, o, hover, ink, 1, ink);
  if (selected !== null && selected < o.names.length) frame(ctx, o, selected, accent, 2, accent);
}

function frame(
  ctx: CanvasRenderingContext2D,
  o: Thumbnails,
  at: number,
  line: string,
  width: number,
  ink: string,
): void {
  const { x, y } = placeOf(at, o.width);
  ctx.strokeStyle = line;
  ctx.lineWidth = width;
  ctx.strokeRect(x + 1, y + 1, CELL - 2, CELL - 2);
  ctx.fillStyle = ink;
  ctx.font = `11px ${o.theme.sans}`;
  ctx.textAlign = "center";
  ctx.textBaseline = "top";
  ctx.fillText(o.names[at] ?? "", x + CELL / 2, y + CELL + 2);
}
