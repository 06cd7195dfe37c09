// A finer tile of the window in view, once one looks at it for a moment.
import { type ReadonlySignal, useComputed, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { stride, type Tile } from "../../draw/tile";
import { clamp, whole } from "../../draw/viewport";
import type { Session } from "../../model/session";
import type { Zoom } from "../../parts/Zoom";
import type { Window } from "../../wire/tiles";

const REFINE_SIDE = 512;
/** A finer cell than this many px is not seen: of a sparse pattern, the pooled one shows more. */
const LEAST_CELL = 2.5;
const REFINE_MS = 100;

export function useRefinement(session: Session, zoom: Zoom): ReadonlySignal<Tile | null> {
  const pooling = session.params.choice("pooling");
  const wanted = useComputed<{ window: Window; side: number } | null>(() => {
    const tile = session.tile.value;
    const n = session.text.value.tokens.length;
    if (!tile || n === 0) return null;
    const shape = { rows: n, cols: n };
    const { r0, r1, c0, c1 } = clamp(zoom.window.value ?? whole(shape), shape);
    const low = (v: number) => Math.min(n - 1, Math.max(0, Math.floor(v)));
    const high = (v: number) => Math.min(n, Math.max(1, Math.ceil(v)));
    const window: Window = [low(r0), high(r1), low(c0), high(c1)];
    const tokens = Math.max(window[1] - window[0], window[3] - window[2]);
    const cells = Math.min(REFINE_SIDE, Math.floor(zoom.pixels.value / LEAST_CELL));
    const step = Math.ceil(tokens / Math.max(1, cells));
    return step < stride(tile) ? { window, side: Math.ceil(tokens / step) } : null;
  });
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useSignalEffect(() => {
    const want = wanted.value;
    const [head, tiles, pooled] = [session.head.value, session.tiles.value, pooling.value];
    clearTimeout(timer.current);
    if (!want) return;
    timer.current = setTimeout(() => {
      tiles.want([head], [], pooled, want.window, want.side, session.slot("refine"));
    }, REFINE_MS);
  });
  useEffect(() => () => clearTimeout(timer.current), []);
  return useComputed<Tile | null>(() => {
    const want = wanted.value;
    if (!want) return null;
    const tiles = session.tiles.value;
    tiles.arrived.value;
    return tiles.at(session.head.value, pooling.value, want.window, want.side);
  });
}
