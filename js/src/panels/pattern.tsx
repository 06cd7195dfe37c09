// One head's attention on the view's text, with a diagonal marked: where a kind of head looks.
import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { pack } from "../draw/color";
import { cellSize, drawMatrix, hit, labelText, type MatrixView, whole } from "../draw/matrix";
import { paint, toCanvas, valueAt } from "../draw/tile";
import type { HeadAt } from "../model/address";
import type { Session } from "../model/session";
import { OVERVIEW_SIDE } from "../wire/tiles";
import { Canvas, place } from "./canvas";
import { exact, fixed } from "./number";

const LEFT = 56;
const TOP = 48;

/** Cells (q, q - back) for queries from `first` on. */
export interface Stripe {
  back: number;
  first: number;
}

interface Props {
  session: Session;
  head: HeadAt;
  title: string;
  stripe: Stripe | null;
}

export function Pattern({ session, head: [layer, index], title, stripe }: Props) {
  const head = useSignal<HeadAt>([layer, index]);
  if (head.value[0] !== layer || head.value[1] !== index) head.value = [layer, index];
  const hover = useSignal<{ q: number; k: number } | null>(null);
  const view = useSignal<MatrixView | null>(null);
  const tile = useComputed(() => {
    session.tiles.value.arrived.value;
    return session.tiles.value.overview(head.value, "max");
  });
  useSignalEffect(() => {
    const tiles = session.tiles.value;
    if (tiles.n === 0 || !session.text.value.live) return;
    const at = head.value;
    tiles.want([at], [], "max", tiles.whole, OVERVIEW_SIDE, `pattern ${title}`);
  });
  useSignalEffect(() => {
    const at = hover.value;
    if (at && session.text.value.live)
      session.tiles.value.wantRow(head.value, at.q, `row ${title}`);
  });
  return (
    <figure class="pattern" data-cw={`pattern-${layer}-${index}`}>
      <figcaption>
        <b>
          {layer}.{index}
        </b>{" "}
        <span class="quiet">{title}</span>
      </figcaption>
      <Canvas
        label={`Attention of ${layer}.${index}, queries down, keys across`}
        height={(width) => TOP + Math.max(60, width - LEFT - 2) + 2}
        draw={(ctx, box) => {
          const { tokens } = session.text.value;
          const theme = session.theme.value;
          const at = whole(tokens.length, LEFT, TOP, Math.max(60, box.width - LEFT - 2));
          view.value = at;
          const painted = tile.value && {
            first: session.params.choice("first").value,
            background: pack(theme.page),
          };
          drawMatrix(ctx, {
            view: at,
            tile:
              tile.value && painted
                ? toCanvas(
                    paint(tile.value, session.table.value, session.vmax(tile.value), painted),
                  )
                : null,
            tileWindow: { q0: 0, q1: tokens.length, k0: 0, k1: tokens.length },
            theme,
            labels: { rows: tokens, cols: tokens },
            selectedQuery: null,
            selectedKey: null,
            hover: hover.value,
            missing: tile.value ? null : missing(session),
          });
          if (stripe && tile.value) markStripe(ctx, at, stripe, tokens.length, theme.ink);
        }}
        onMouseMove={(event) => {
          const { x, y } = place(event);
          hover.value = view.peek() && hit(view.peek() as MatrixView, x, y);
        }}
        onMouseLeave={() => {
          hover.value = null;
        }}
      />
      <p class="tip">{said(session, head.value, hover.value, tile.value)}</p>
    </figure>
  );
}

function said(
  session: Session,
  head: HeadAt,
  at: { q: number; k: number } | null,
  tile: Parameters<typeof valueAt>[0] | null,
): string {
  if (!at || !tile) return "\u00a0";
  session.tiles.value.arrived.value;
  const { tokens } = session.text.value;
  const known = session.tiles.value.row(head, at.q)?.[at.k];
  const value = known === undefined ? `about ${fixed(valueAt(tile, at.q, at.k))}` : exact(known);
  const name = (i: number) => labelText(tokens[i] ?? "", 16).trim();
  return `${name(at.q)} (${at.q}) → ${name(at.k)} (${at.k}): ${value}`;
}

function missing(session: Session): string {
  if (session.status.value.state === "running") return "";
  return "This head's pattern was not kept. Run the cell again to see it.";
}

/** Two thin lines along a diagonal: what is marked stays readable. */
function markStripe(
  ctx: CanvasRenderingContext2D,
  view: MatrixView,
  { back, first }: Stripe,
  n: number,
  ink: string,
): void {
  const cell = cellSize(view);
  if (first >= n) return;
  ctx.save();
  ctx.strokeStyle = ink;
  ctx.globalAlpha = 0.55;
  ctx.lineWidth = 1;
  const last = n - 1;
  // Along the cells' upper right and lower left corners.
  for (const [down, across] of [
    [0, 1],
    [1, 0],
  ] as const) {
    ctx.beginPath();
    ctx.moveTo(view.x + (first - back + across) * cell, view.y + (first + down) * cell);
    ctx.lineTo(view.x + (last - back + across) * cell, view.y + (last + down) * cell);
    ctx.stroke();
  }
  ctx.restore();
}
