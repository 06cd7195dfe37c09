// Every head's score: rows are layers, columns are heads, a bar at the right for each layer.
import { border, snapper } from "./canvas";
import { css, cssOf, mix } from "./color";
import { type GridLayout, TOP } from "./grid-layout";
import { type Scale, share, tableOf } from "./scale";
import type { Theme } from "./theme";

export interface HeadPlace {
  layer: number;
  head: number;
}

export interface GridDrawing {
  layout: GridLayout;
  /** layer * heads + head; NaN: not computed. */
  values: ArrayLike<number>;
  scale: Scale;
  theme: Theme;
  /** 1: not distinguishable from chance, and drawn fainter. */
  faint?: Uint8Array | null | undefined;
  /** 1: a dot in the cell, for what the view says it means (in the circuit). */
  marks?: Uint8Array | null | undefined;
}

export interface GridOver {
  selected: HeadPlace | null;
  hover: HeadPlace | null;
}

const HATCH = 4;
/** How much of its colour a score keeps that cannot be told from chance. */
const FAINT = 0.3;

/** Draws over what is there: clearing is the caller's. */
export function drawGrid(ctx: CanvasRenderingContext2D, o: GridDrawing): void {
  ctx.save();
  drawCells(ctx, o);
  drawBars(ctx, o);
  drawNames(ctx, o);
  ctx.restore();
}

/** What follows pointer and keys: two rings and their numbers. */
export function drawGridOver(
  ctx: CanvasRenderingContext2D,
  { layout, theme }: Pick<GridDrawing, "layout" | "theme">,
  { selected, hover }: GridOver,
): void {
  ctx.save();
  const both = selected && hover && selected.layer === hover.layer && selected.head === hover.head;
  if (hover && !both) {
    ring(ctx, layout, hover, theme.muted, 0, 1);
    emphasise(ctx, layout, theme, hover, theme.ink);
  }
  if (selected) {
    // A rim of page between cell and ring, so that the ring stands clear of any colour beside it.
    ring(ctx, layout, selected, theme.page, 0, 2);
    ring(ctx, layout, selected, theme.accent, 1, 2);
    emphasise(ctx, layout, theme, selected, theme.accent);
  }
  ctx.restore();
}

function drawCells(ctx: CanvasRenderingContext2D, o: GridDrawing): void {
  const { layout: g, values, theme, scale } = o;
  const table = tableOf(scale, theme);
  const page = table[scale.signed ? 128 : 0] ?? 0;
  // The ramp starts at the page's colour: the lattice is what shows that a cell of 0 is there.
  ctx.fillStyle = theme.line;
  ctx.globalAlpha = theme.dark ? 0.4 : 0.55;
  ctx.fillRect(g.x0 - 1, g.y0 - 1, g.heads * g.pitchX + 1, g.layers * g.pitchY + 1);
  ctx.globalAlpha = 1;
  const snap = snapper(ctx);
  const gap = snap(1) || 1;
  const missing: [number, number][] = [];
  for (let i = 0; i < g.layers * g.heads; i++) {
    const [x, y] = corner(g, Math.floor(i / g.heads), i % g.heads);
    const value = values[i] ?? Number.NaN;
    const t = share(value, scale);
    const colour = table[Math.round(t * 255)] ?? 0;
    ctx.fillStyle = Number.isNaN(value)
      ? theme.page
      : cssOf(o.faint?.[i] ? mix(page, colour, FAINT) : colour);
    const [left, top] = [snap(x), snap(y)];
    // The gap is kept at the same number of device px throughout.
    ctx.fillRect(left, top, snap(x + g.pitchX) - left - gap, snap(y + g.pitchY) - top - gap);
    if (Number.isNaN(value)) missing.push([x, y]);
    if (o.marks?.[i]) {
      // Of a scale with a sign the middle is the page's colour.
      const strong = o.scale.signed ? Math.abs(2 * t - 1) : t;
      ctx.fillStyle = strong > 0.5 ? theme.page : theme.ink;
      ctx.beginPath();
      const radius = Math.max(1, Math.min(g.pitchX, g.pitchY) / 8);
      ctx.arc(x + (g.pitchX - 1) / 2, y + (g.pitchY - 1) / 2, radius, 0, 2 * Math.PI);
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
  for (const [x, y] of cells) ctx.rect(x, y, g.pitchX - 1, g.pitchY - 1);
  ctx.clip();
  const [width, height] = [g.heads * g.pitchX, g.layers * g.pitchY];
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

/** The strongest score of a layer, of either sign; null: none was computed. */
export function bestOf(
  values: ArrayLike<number>,
  heads: number,
  layer: number,
  signed: boolean,
): { head: number; value: number } | null {
  let best: { head: number; value: number } | null = null;
  for (let head = 0; head < heads; head++) {
    const value = values[layer * heads + head] ?? Number.NaN;
    if (Number.isNaN(value)) continue;
    const size = signed ? Math.abs(value) : value;
    if (!best || size > (signed ? Math.abs(best.value) : best.value)) best = { head, value };
  }
  return best;
}

/** The best head of each layer, so that the depth of a behaviour can be read at a glance. */
function drawBars(ctx: CanvasRenderingContext2D, o: GridDrawing): void {
  const { layout: g, values, theme, scale } = o;
  const height = Math.max(2, Math.round((g.pitchY - 1) * 0.5));
  const whole = Math.max(Math.abs(scale.least), Math.abs(scale.most));
  for (let layer = 0; layer < g.layers; layer++) {
    const best = bestOf(values, g.heads, layer, scale.signed);
    if (!best) continue;
    const t = scale.signed
      ? share(Math.abs(best.value), { least: 0, most: whole })
      : share(best.value, scale);
    const y = g.y0 + layer * g.pitchY + Math.floor((g.pitchY - 1 - height) / 2);
    // Zero has a mark too: a layer without a mark is one that was not computed.
    ctx.fillStyle = theme.line;
    ctx.fillRect(g.barX, y, 1, height);
    ctx.fillStyle = theme.muted;
    const length = Math.round(t * g.barWidth);
    if (length > 0) ctx.fillRect(g.barX, y, length, height);
  }
}

/** Numbers along both axes, and what the axes and the bars are. */
function drawNames(ctx: CanvasRenderingContext2D, { layout: g, theme }: GridDrawing): void {
  ctx.font = `10px ${theme.sans}`;
  ctx.fillStyle = theme.muted;
  for (const layer of g.rowLabels) number(ctx, g, "layer", layer);
  for (const head of g.columnLabels) number(ctx, g, "head", head);
  ctx.textBaseline = "alphabetic";
  ctx.textAlign = "left";
  ctx.fillText("head", g.x0, 9);
  ctx.fillText("layer", 0, 9);
  ctx.textAlign = "right";
  ctx.fillText("max", g.barX + g.barWidth, g.y0 - 4);
}

function number(
  ctx: CanvasRenderingContext2D,
  g: GridLayout,
  is: "layer" | "head",
  at: number,
): void {
  ctx.textBaseline = "middle";
  ctx.textAlign = is === "layer" ? "right" : "center";
  if (is === "layer") ctx.fillText(String(at), g.x0 - 6, g.y0 + (at + 0.5) * g.pitchY);
  else ctx.fillText(String(at), g.x0 + (at + 0.5) * g.pitchX - 0.5, TOP - 7);
}

/** A head's two numbers, over those that are always there and would come too close. */
function emphasise(
  ctx: CanvasRenderingContext2D,
  g: GridLayout,
  theme: Theme,
  { layer, head }: HeadPlace,
  colour: string,
): void {
  ctx.font = `10px ${theme.sans}`;
  ctx.fillStyle = theme.page;
  for (const i of [layer, ...g.rowLabels])
    if (Math.abs(i - layer) * g.pitchY < 11)
      ctx.fillRect(0, g.y0 + (i + 0.5) * g.pitchY - 6, g.x0 - 3, 12);
  for (const i of [head, ...g.columnLabels])
    if (Math.abs(i - head) * g.pitchX < 14)
      ctx.fillRect(g.x0 + (i + 0.5) * g.pitchX - 7, TOP - 13, 14, 11);
  ctx.fillStyle = colour;
  number(ctx, g, "layer", layer);
  number(ctx, g, "head", head);
}

/** A box around a cell, `out` px of room between them. */
function ring(
  ctx: CanvasRenderingContext2D,
  g: GridLayout,
  at: HeadPlace,
  colour: string,
  out: number,
  width: number,
): void {
  const [x, y] = corner(g, at.layer, at.head);
  ctx.fillStyle = colour;
  const [x1, y1] = [x + g.pitchX - 1 + out, y + g.pitchY - 1 + out];
  border(ctx, { x0: x - out, y0: y - out, x1, y1 }, width);
}

function corner(g: GridLayout, layer: number, head: number): [number, number] {
  return [g.x0 + head * g.pitchX, g.y0 + layer * g.pitchY];
}

/** The colour of a mark that has the whole ramp's strength. */
export function strong(scale: Scale, theme: Theme): string {
  return css(tableOf(scale, theme), 0.72);
}
