// A square matrix with labels on both sides, and the value under the pointer in words.
import { useSignal } from "@preact/signals";
import { drawHeatFrame, type HeatDrawing, heatImage, hitHeat } from "../draw/heat";
import { chooseLabels, fitted } from "../draw/label";
import { toCanvas } from "../draw/tile";
import type { Session } from "../model/session";
import { Canvas, place } from "./canvas";

const LEFT = 64;
const TOP = 54;

interface Props {
  session: Session;
  name: string;
  label: string;
  n: number;
  values: Float32Array;
  table: Uint32Array;
  min: number;
  max: number;
  rows: string[];
  cols: string[];
  /** Marks on cells: a letter each. */
  marks?: Map<number, string>;
  said: (row: number, col: number) => string;
  choose?: (row: number, col: number) => void;
}

export function Heat(props: Props) {
  const { session, name, label, n } = props;
  const hover = useSignal<{ row: number; col: number } | null>(null);
  const at = useSignal<{ x: number; y: number; size: number; n: number } | null>(null);
  const given = useSignal(props);
  if (given.peek().values !== props.values || given.peek().table !== props.table)
    given.value = props;
  const find = (event: MouseEvent) => {
    const { x, y } = place(event);
    return at.peek() && hitHeat(at.peek() as HeatDrawing, x, y);
  };
  const cell = hover.value;
  return (
    <figure class="heat">
      <Canvas
        label={label}
        data-cw={name}
        height={(width) => TOP + Math.max(60, width - LEFT - 2) + 2}
        draw={(ctx, box) => {
          const { values, table, min, max, rows, cols, marks } = given.value;
          const size = Math.max(60, box.width - LEFT - 2);
          at.value = { x: LEFT, y: TOP, size, n };
          const drawing: HeatDrawing = {
            ...{ x: LEFT, y: TOP, size, n, values, table, min, max },
            theme: session.theme.value,
            hover: hover.value,
          };
          ctx.imageSmoothingEnabled = false;
          ctx.drawImage(toCanvas(heatImage(drawing)), LEFT, TOP, size, size);
          drawHeatFrame(ctx, drawing);
          drawNames(ctx, drawing, rows, cols);
          drawMarks(ctx, drawing, marks);
        }}
        onMouseMove={(event) => {
          hover.value = find(event);
        }}
        onMouseLeave={() => {
          hover.value = null;
        }}
        onClick={(event) => {
          const found = find(event);
          if (found) props.choose?.(found.row, found.col);
        }}
      />
      <p class="tip" data-cw={`${name}-tip`}>
        {cell ? props.said(cell.row, cell.col) : "\u00a0"}
      </p>
    </figure>
  );
}

function drawNames(
  ctx: CanvasRenderingContext2D,
  o: HeatDrawing,
  rows: string[],
  cols: string[],
): void {
  const cell = o.size / o.n;
  ctx.font = `${cell >= 11 ? 11 : 10}px ${o.theme.mono}`;
  ctx.textBaseline = "middle";
  ctx.direction = "ltr";
  const shown = (names: string[], at: number | null) =>
    chooseLabels(0, names.length, cell, [at, null], 11);
  ctx.textAlign = "right";
  for (const i of shown(rows, o.hover?.row ?? null)) {
    ctx.fillStyle = i === o.hover?.row ? o.theme.ink : o.theme.muted;
    ctx.fillText(fitted(ctx, rows[i] ?? "", LEFT - 8), o.x - 6, o.y + (i + 0.5) * cell);
  }
  ctx.textAlign = "left";
  for (const i of shown(cols, o.hover?.col ?? null)) {
    ctx.fillStyle = i === o.hover?.col ? o.theme.ink : o.theme.muted;
    ctx.save();
    ctx.translate(o.x + (i + 0.5) * cell, o.y - 6);
    ctx.rotate(-Math.PI / 2);
    ctx.fillText(fitted(ctx, cols[i] ?? "", TOP - 8), 0, 0);
    ctx.restore();
  }
}

function drawMarks(
  ctx: CanvasRenderingContext2D,
  o: HeatDrawing,
  marks: Map<number, string> | undefined,
): void {
  const cell = o.size / o.n;
  ctx.textAlign = "center";
  ctx.font = `600 ${Math.max(9, Math.min(13, cell * 0.7))}px ${o.theme.sans}`;
  for (const [index, mark] of marks ?? []) {
    const [x, y] = [
      o.x + ((index % o.n) + 0.5) * cell,
      o.y + (Math.floor(index / o.n) + 0.5) * cell,
    ];
    // Readable on any colour of the table.
    ctx.lineWidth = 3;
    ctx.strokeStyle = o.theme.page;
    ctx.strokeText(mark, x, y);
    ctx.fillStyle = o.theme.ink;
    ctx.fillText(mark, x, y);
  }
}
