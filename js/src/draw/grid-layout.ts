// Where every head's cell is: as large as its box allows, and never cut. Cells shrink, in height and
// in width each by itself; below the least that can be hit, `leastGrid` says how large a box must be,
// and that box scrolls inside of another.

export interface GridLayout {
  layers: number;
  heads: number;
  /** A head's cell and the gap after it, in px. */
  pitchX: number;
  pitchY: number;
  /** The first cell's corner. */
  x0: number;
  y0: number;
  /** Where the layers' bars start, and the longest one's length. */
  barX: number;
  barWidth: number;
  /** Of the whole drawing. */
  width: number;
  height: number;
  rowLabels: number[];
  columnLabels: number[];
}

export const LEAST_PITCH = { x: 5, y: 5 };
const MOST_PITCH = 32;
/** A cell is at most so many times as long as it is short. */
const LONGEST = 2.2;
const GUTTER = 30;
export const TOP = 26;
const BAR_GAP = 9;
const BAR_WIDTH = 28;
/** The selection's outline stands out of the grid by this much. */
const EDGE = 4;
const AROUND = { x: GUTTER + BAR_GAP + BAR_WIDTH + EDGE, y: TOP + EDGE };

/** The least box in which every head can be seen and hit. */
export function leastGrid(layers: number, heads: number): { width: number; height: number } {
  return {
    width: AROUND.x + heads * LEAST_PITCH.x,
    height: AROUND.y + layers * LEAST_PITCH.y,
  };
}

/** The height beyond which cells of a box so wide grow no more. */
export function tallestGrid(layers: number, heads: number, width: number): number {
  const across = pitchOf(width - AROUND.x, heads, LEAST_PITCH.x);
  return AROUND.y + layers * Math.floor(Math.min(MOST_PITCH, across * LONGEST));
}

function pitchOf(room: number, n: number, least: number): number {
  return Math.floor(Math.min(MOST_PITCH, Math.max(least, room / Math.max(1, n))));
}

export function gridLayout(
  layers: number,
  heads: number,
  box: { width: number; height: number },
): GridLayout {
  const across = pitchOf(box.width - AROUND.x, heads, LEAST_PITCH.x);
  const down = pitchOf(box.height - AROUND.y, layers, LEAST_PITCH.y);
  const short = Math.min(across, down);
  const [pitchX, pitchY] = [across, down].map((pitch) =>
    Math.floor(Math.min(pitch, short * LONGEST)),
  ) as [number, number];
  const barX = GUTTER + heads * pitchX + BAR_GAP;
  // A label has the width of two digits and a gap; a row that of one line of text.
  const columnStep = niceStep(Math.ceil((heads > 10 ? 17 : 9) / pitchX));
  const rowStep = layers <= 12 && pitchY >= 11 ? 1 : niceStep(Math.max(5, Math.ceil(12 / pitchY)));
  return {
    layers,
    heads,
    pitchX,
    pitchY,
    x0: GUTTER,
    y0: TOP,
    barX,
    barWidth: BAR_WIDTH,
    width: barX + BAR_WIDTH + EDGE,
    height: TOP + layers * pitchY + EDGE,
    rowLabels: every(layers, rowStep),
    columnLabels: every(heads, columnStep),
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

/** The head under a point; the gap after a cell counts as its own. */
export function hitGrid(
  g: GridLayout,
  px: number,
  py: number,
): { layer: number; head: number } | null {
  const head = Math.floor((px - g.x0) / g.pitchX);
  const layer = Math.floor((py - g.y0) / g.pitchY);
  return head >= 0 && head < g.heads && layer >= 0 && layer < g.layers ? { layer, head } : null;
}

/** The layer whose bar is under a point. */
export function hitBar(g: GridLayout, px: number, py: number): number | null {
  const layer = Math.floor((py - g.y0) / g.pitchY);
  return px >= g.barX - BAR_GAP && px <= g.barX + g.barWidth && layer >= 0 && layer < g.layers
    ? layer
    : null;
}
