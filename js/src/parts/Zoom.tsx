// Looking closer at a matrix: ctrl + wheel, a drag, a double click, and whatever else sets the window.
import { type ReadonlySignal, type Signal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { HeatDrawing } from "../draw/heat";
import { clamp, isWhole, panBy, type Shape, type Window, whole, zoomAt } from "../draw/viewport";

export interface Zoom {
  /** In rows and columns; null: all of it. */
  window: Signal<Window | null>;
  /** Px that the matrix is wide, told by what draws it. */
  pixels: Signal<number>;
  /** What the pointer does, for whatever draws the matrix: only who zooms brings the code along. */
  useGestures: (
    drawing: ReadonlySignal<Pick<HeatDrawing, "view" | "shape"> | null>,
    ref: RefObject<HTMLElement | null>,
  ) => Gestures;
}

export const STEP = 1.6;
/** A hand that moves less means a click. */
const STEADY = 4;
const WHEEL = 0.002;

export function useZoom(): Zoom {
  const window = useSignal<Window | null>(null);
  const pixels = useSignal(0);
  const zoom = useRef<Zoom | null>(null);
  zoom.current ??= {
    window,
    pixels,
    useGestures: (drawing, ref) => useZoomGestures(zoom.current as Zoom, drawing, ref),
  };
  return zoom.current;
}

/** Zooms about the middle, or at a point. */
export function zoomBy(
  zoom: Zoom,
  shape: Shape,
  factor: number,
  at?: { across: number; down: number },
): void {
  const now = clamp(zoom.window.peek() ?? whole(shape), shape);
  const next = zoomAt(now, shape, factor, at);
  zoom.window.value = isWhole(next, shape) ? null : next;
}

export interface Gestures {
  /** A drag is on its way. */
  dragging: () => boolean;
  /** The click that comes now is the end of a drag. */
  dragged: () => boolean;
  handlers: {
    onPointerDown?: (event: PointerEvent) => void;
    onPointerMove?: (event: PointerEvent) => void;
    onPointerUp?: (event: PointerEvent) => void;
    onPointerCancel?: (event: PointerEvent) => void;
    onDblClick?: (event: MouseEvent) => void;
  };
}

function useZoomGestures(
  zoom: Zoom,
  drawing: ReadonlySignal<Pick<HeatDrawing, "view" | "shape"> | null>,
  ref: RefObject<HTMLElement | null>,
): Gestures {
  const drag = useRef<{ x: number; y: number; window: Window; moved: boolean } | null>(null);
  const ended = useRef(false);
  const at = (event: MouseEvent) => {
    const view = drawing.peek()?.view;
    const box = ref.current?.getBoundingClientRect();
    if (!view || !box) return null;
    const across = (event.clientX - box.left - view.x) / view.width;
    const down = (event.clientY - box.top - view.y) / view.height;
    return across >= 0 && across <= 1 && down >= 0 && down <= 1 ? { across, down } : null;
  };
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    // A wheel without a modifier scrolls the notebook, as everywhere else.
    const wheel = (event: WheelEvent): void => {
      const [point, o] = [at(event), drawing.peek()];
      if (!(event.ctrlKey || event.metaKey) || !point || !o) return;
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 20 : 1;
      zoomBy(zoom, o.shape, Math.exp(-event.deltaY * lines * WHEEL), point);
    };
    element.addEventListener("wheel", wheel, { passive: false });
    return () => element.removeEventListener("wheel", wheel);
  }, [zoom]);
  const end = (): void => {
    ended.current = drag.current?.moved ?? false;
    drag.current = null;
  };
  return {
    dragging: () => drag.current?.moved ?? false,
    dragged: () => ended.current,
    handlers: {
      onPointerDown: (event) => {
        ended.current = false;
        const window = zoom.window.peek();
        // A finger scrolls the page: a matrix must not be a trap.
        if (!window || event.button !== 0 || event.pointerType === "touch" || !at(event)) return;
        drag.current = { x: event.clientX, y: event.clientY, window, moved: false };
      },
      onPointerMove: (event) => {
        const [from, o] = [drag.current, drawing.peek()];
        if (!from || !o) return;
        const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
        if (!from.moved && Math.hypot(dx, dy) < STEADY) return;
        if (!from.moved) (event.currentTarget as Element).setPointerCapture?.(event.pointerId);
        from.moved = true;
        zoom.window.value = panBy(from.window, o.shape, dx / o.view.width, dy / o.view.height);
      },
      onPointerUp: end,
      onPointerCancel: end,
      onDblClick: (event) => {
        const [point, o] = [at(event), drawing.peek()];
        if (point && o) zoomBy(zoom, o.shape, event.shiftKey ? 1 / STEP : STEP, point);
      },
    },
  };
}
