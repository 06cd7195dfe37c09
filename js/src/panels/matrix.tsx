// What the head does: its attention matrix, with zoom, pan and the exact value under the pointer.
import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { select } from "d3-selection";
import { type D3ZoomEvent, type ZoomBehavior, zoom, zoomIdentity } from "d3-zoom";
import { useEffect, useRef } from "preact/hooks";
import { pack } from "../draw/color";
import { drawMatrix, hit, labelText, type MatrixView } from "../draw/matrix";
import { paint, stride, type Tile, toCanvas, valueAt } from "../draw/tile";
import type { Session } from "../model/session";
import type { Window } from "../wire/tiles";
import { Canvas, place } from "./canvas";
import { Choice } from "./choice";
import { exact, fixed } from "./number";

const LEFT = 78;
const TOP = 70;
const MIN_TOKENS = 4;
const REFINE_SIDE = 512;
/** A finer cell than this many px is not seen: of a sparse pattern, the pooled one shows more. */
const LEAST_CELL = 2.5;
const REFINE_MS = 100;

/** The matrix's square in a canvas of this width. */
function square(width: number): { x: number; y: number; size: number } {
  return { x: LEFT, y: TOP, size: Math.max(80, width - LEFT - 2) };
}

export function MatrixPanel({ session }: { session: Session }) {
  const [layer, head] = session.head.value;
  return (
    <section class="matrix" aria-label="Attention matrix">
      <h3>
        Attention of {layer}.{head}
        <span class="quiet"> query down, key across</span>
      </h3>
      <Matrix session={session} />
      <Readout session={session} />
      <Controls session={session} />
    </section>
  );
}

function Matrix({ session }: { session: Session }) {
  const frame = useRef<HTMLDivElement>(null);
  const behaviour = useRef<ZoomBehavior<HTMLDivElement, unknown> | null>(null);
  // d3-zoom's transform of the square [0, 1]: k, x, y.
  const lens = useSignal({ k: 1, x: 0, y: 0 });
  const width = useSignal(0);
  const n = session.text.value.tokens.length;

  const shown = useComputed<MatrixView>(() => {
    const count = session.text.value.tokens.length;
    const { x, y, size } = square(width.value);
    const { k, x: left, y: top } = lens.value;
    const span = count / k;
    const k0 = (-left / (size * k)) * count;
    const q0 = (-top / (size * k)) * count;
    return { x, y, size, q0, q1: q0 + span, k0, k1: k0 + span };
  });

  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const zoomed = zoom<HTMLDivElement, unknown>()
      // A wheel without a modifier scrolls the notebook, as everywhere else.
      .filter((event) =>
        event.type === "wheel" ? event.ctrlKey || event.metaKey : !event.button && !event.ctrlKey,
      )
      .extent(() => {
        const { size } = square(width.peek());
        return [
          [0, 0],
          [size, size],
        ];
      })
      .on("zoom", (event: D3ZoomEvent<HTMLDivElement, unknown>) => {
        const { k, x, y } = event.transform;
        lens.value = { k, x, y };
      });
    behaviour.current = zoomed;
    const selected = select(element).call(zoomed);
    return () => {
      selected.on(".zoom", null);
    };
  }, []);
  useSignalEffect(() => {
    const count = session.text.value.tokens.length;
    const { size } = square(width.value);
    behaviour.current?.scaleExtent([1, Math.max(1, count / MIN_TOKENS)]).translateExtent([
      [0, 0],
      [size, size],
    ]);
  });
  // A new text starts whole.
  const gen = session.text.value.gen;
  useEffect(() => {
    const element = frame.current;
    if (element) behaviour.current?.transform(select(element), zoomIdentity);
  }, [gen]);

  const refined = useRefinement(session, shown);
  const at = (event: MouseEvent) => {
    const { x, y } = place(event);
    return hit(shown.peek(), x + LEFT, y + TOP);
  };
  const zoomBy = (factor: number) => {
    const element = frame.current;
    if (element) behaviour.current?.scaleBy(select(element), factor);
  };
  useZoomKeys(session, zoomBy, () => {
    const element = frame.current;
    if (element) behaviour.current?.transform(select(element), zoomIdentity);
  });
  // Panning by the keys that move the selection: what is selected stays in sight.
  useSignalEffect(() => {
    const query = session.cell.value.query;
    const { k } = lens.peek();
    const element = frame.current;
    if (query === null || k === 1 || !element) return;
    const view = shown.peek();
    const cell = view.size / (view.q1 - view.q0);
    if (query < view.q0)
      behaviour.current?.translateBy(select(element), 0, ((view.q0 - query) * cell) / k);
    else if (query + 1 > view.q1)
      behaviour.current?.translateBy(select(element), 0, ((view.q1 - query - 1) * cell) / k);
  });

  return (
    <div class="matrix-box">
      <Canvas
        label={`Attention of the selected head over ${n} tokens`}
        data-cw="matrix"
        height={(w) => {
          width.value = w;
          return TOP + square(w).size + 2;
        }}
        draw={(ctx) => {
          const tile = refined.value ?? session.picture.value;
          const theme = session.theme.value;
          const { tokens, live } = session.text.value;
          const hover = session.hover.value;
          const painted =
            tile &&
            toCanvas(
              paint(tile, session.table.value, session.vmax(session.picture.value ?? tile), {
                first: session.params.choice("first").value,
                background: pack(theme.page),
              }),
            );
          drawMatrix(ctx, {
            view: shown.value,
            tile: painted,
            tileWindow: tile ?? { q0: 0, q1: tokens.length, k0: 0, k1: tokens.length },
            theme,
            labels: { rows: tokens, cols: tokens },
            selectedQuery: session.cell.value.query,
            selectedKey: session.cell.value.key,
            hover: hover && hover.key !== null ? { q: hover.query, k: hover.key } : null,
            missing: tile ? null : missing(session, live),
          });
        }}
      />
      {/* What the pointer does happens on the square alone, not on its labels. */}
      <div
        ref={frame}
        class="lens"
        data-cw="lens"
        onMouseMove={(event) => {
          const cell = at(event);
          session.hover.value = cell && { where: "matrix", query: cell.q, key: cell.k };
        }}
        onMouseLeave={() => {
          session.hover.value = null;
        }}
        onClick={(event) => {
          const cell = at(event);
          if (cell) session.select({ query: cell.q, key: cell.k });
        }}
      />
    </div>
  );
}

/** Why there is no picture. */
function missing(session: Session, live: boolean): string {
  if (!live) return "This result has scores only: no text was run.";
  if (session.client.alive.value === "no")
    return "This head was not saved with the page. Run the cell again to compute it.";
  return session.tiles.value.refusal.value ?? "";
}

/** A finer tile of the window in view, once one looks at it for a moment. */
function useRefinement(session: Session, shown: { value: MatrixView }) {
  const wanted = useComputed<{ window: Window; side: number } | null>(() => {
    const { q0, q1, k0, k1 } = shown.value;
    const tile = session.tile.value;
    const n = session.text.value.tokens.length;
    if (!tile || n === 0) return null;
    const low = (v: number) => Math.min(n - 1, Math.max(0, Math.floor(v)));
    const high = (v: number) => Math.min(n, Math.max(1, Math.ceil(v)));
    const window: Window = [low(q0), high(q1), low(k0), high(k1)];
    const tokens = Math.max(window[1] - window[0], window[3] - window[2]);
    const cells = Math.min(REFINE_SIDE, Math.floor(shown.value.size / LEAST_CELL));
    const step = Math.ceil(tokens / cells);
    return step < stride(tile) ? { window, side: Math.ceil(tokens / step) } : null;
  });
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useSignalEffect(() => {
    const want = wanted.value;
    const [head, tiles, pooling] = [
      session.head.value,
      session.tiles.value,
      session.params.choice("pooling").value,
    ];
    clearTimeout(timer.current);
    if (!want) return;
    timer.current = setTimeout(() => {
      tiles.want([head], [], pooling, want.window, want.side, session.slot("refine"));
    }, REFINE_MS);
  });
  useEffect(() => () => clearTimeout(timer.current), []);
  return useComputed<Tile | null>(() => {
    const want = wanted.value;
    if (!want) return null;
    const tiles = session.tiles.value;
    tiles.arrived.value;
    return tiles.at(
      session.head.value,
      session.params.choice("pooling").value,
      want.window,
      want.side,
    );
  });
}

function useZoomKeys(session: Session, zoomBy: (factor: number) => void, reset: () => void) {
  useSignalEffect(() => {
    const { key } = session.zoomKey.value;
    if (key === "+") zoomBy(1.6);
    else if (key === "-") zoomBy(1 / 1.6);
    else if (key === "0") reset();
  });
}

/** The exact attention under the pointer. Always there, so that nothing jumps. */
function Readout({ session }: { session: Session }) {
  const text = useComputed(() => {
    const { tokens } = session.text.value;
    const hover = session.hover.value;
    const query = hover?.query ?? session.cell.value.query;
    const key = hover?.key ?? (hover ? null : session.cell.value.key);
    if (query === null || key === null || key > query) return null;
    const tiles = session.tiles.value;
    tiles.arrived.value;
    const at = session.head.value;
    const known = tiles.row(at, query)?.[key] ?? tiles.column(at, key)?.[query];
    const about = session.tile.value && valueAt(session.tile.value, query, key);
    const value =
      known !== undefined ? exact(known) : about === null ? "" : `about ${fixed(about)}`;
    const name = (at: number) => labelText(tokens[at] ?? "", 24);
    return { query: name(query), q: query, key: name(key), k: key, value };
  });
  const shown = text.value;
  return (
    <p class="readout" data-cw="readout" aria-live="polite">
      {shown ? (
        <>
          <code>{shown.query}</code> at {shown.q} looks at <code>{shown.key}</code> at {shown.k}:{" "}
          <b data-cw="exact">{shown.value}</b>
        </>
      ) : (
        <span class="quiet">
          Point at a cell for its exact value, click to pin it; ctrl + wheel zooms.
        </span>
      )}
    </p>
  );
}

function Controls({ session }: { session: Session }) {
  const first = session.params.choice("first").value;
  const scale = session.params.choice("scale").value;
  const pooling = session.params.choice("pooling").value;
  const tile = session.tile.value;
  const pooled = tile !== null && stride(tile) > 1;
  return (
    <div class="controls">
      <Choice
        label="First token"
        options={[
          { value: "show", label: "first token" },
          { value: "dim", label: "dimmed" },
          { value: "hide", label: "left out" },
        ]}
        value={first}
        choose={(value) => session.params.set("first", value)}
      />
      <Choice
        label="Colour scale"
        options={[
          {
            value: "head",
            label: `own scale, to ${fixed(tile ? session.vmax(tile) : null)}`,
            about: "Colours end at this head's own maximum",
          },
          { value: "shared", label: "shared, to 1", about: "The same colours for every head" },
        ]}
        value={scale}
        choose={(value) => session.params.set("scale", value)}
      />
      {pooled && (
        <Choice
          label="Pooling"
          options={[
            {
              value: "max",
              label: "strongest",
              about: `Each cell: the strongest of ${stride(tile)} × ${stride(tile)}`,
            },
            { value: "mean", label: "mean", about: "Each cell: the mean over its causal pairs" },
          ]}
          value={pooling}
          choose={(value) => session.params.set("pooling", value)}
        />
      )}
    </div>
  );
}
