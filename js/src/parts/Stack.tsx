// Two canvases in one box: a base that is kept, and a cheap picture over it. A draw function runs
// again when a signal that it read changes (props come to it through `useLatest`), when the box does,
// and when the page moves to a screen of other pixels. What follows the pointer belongs into `over`.
import { type ReadonlySignal, type Signal, useSignal, useSignalEffect } from "@preact/signals";
import type { HTMLAttributes, RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { fit, watchPixelRatio } from "../draw/canvas";

export interface Size {
  width: number;
  height: number;
}

export interface BoxSize {
  ref: RefObject<HTMLDivElement | null>;
  size: Signal<Size>;
}

/** An element's size as a signal. Its style gives the size; what is drawn never does. */
export function useBox(): BoxSize {
  const ref = useRef<HTMLDivElement>(null);
  const size = useSignal<Size>({ width: 0, height: 0 });
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const view = element.ownerDocument.defaultView;
    let ratio = view?.devicePixelRatio;
    const look = (width: number, height: number): void => {
      const before = size.peek();
      // Another ratio at the same size: every canvas needs another backing store.
      const same = ratio === view?.devicePixelRatio;
      ratio = view?.devicePixelRatio;
      if (!same || before.width !== width || before.height !== height)
        size.value = { width, height };
    };
    const observer = new ResizeObserver(([entry]) => {
      const box = entry?.contentRect;
      look(Math.floor(box?.width ?? 0), Math.floor(box?.height ?? 0));
    });
    observer.observe(element);
    const unwatch = watchPixelRatio(view, () => look(size.peek().width, size.peek().height));
    return () => {
      observer.disconnect();
      unwatch();
    };
  }, []);
  return { ref, size };
}

/** What a picture with the focus takes for itself; the rest is the view's and the notebook's. */
const KEYS = "ArrowLeft ArrowRight ArrowUp ArrowDown Enter Escape";

type Draw = (ctx: CanvasRenderingContext2D, size: Size) => void;

interface Props extends Omit<HTMLAttributes<HTMLDivElement>, "label" | "name" | "role"> {
  box: BoxSize;
  name: string;
  label: string;
  base: Draw;
  over?: Draw | undefined;
  /** "application": it has the focus and its own keys. "img": it is only looked at. */
  role?: "application" | "img";
}

export function Stack({ box, name, label, base, over, role = "application", ...rest }: Props) {
  const focus = role === "application" ? { tabIndex: 0, "data-keys": KEYS } : {};
  const told = { role, "aria-label": label, ...focus };
  return (
    <div class="stack" ref={box.ref} {...told} {...rest}>
      <Layer size={box.size} draw={base} name={name} />
      {over && <Layer size={box.size} draw={over} name={`${name}-over`} />}
    </div>
  );
}

function Layer({ size, draw, name }: { size: ReadonlySignal<Size>; draw: Draw; name: string }) {
  const ref = useRef<HTMLCanvasElement>(null);
  const latest = useRef(draw);
  latest.current = draw;
  useSignalEffect(() => {
    const { width, height } = size.value;
    if (!ref.current || width === 0 || height === 0) return;
    const ctx = fit(ref.current, width, height);
    ctx.clearRect(0, 0, width, height);
    latest.current(ctx, { width, height });
  });
  return <canvas ref={ref} data-cw={name} />;
}

/** The pointer's place in its element, in CSS px. */
export function place(event: MouseEvent): { x: number; y: number } {
  const box = (event.currentTarget as Element).getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}

/** A click selects; it does not take the keyboard from the view around, whose keys go on to work. */
export function keepFocus(event: MouseEvent): void {
  event.preventDefault();
  const around = (event.currentTarget as Element).parentElement?.closest<HTMLElement>("[tabindex]");
  around?.focus({ preventScroll: true });
}
