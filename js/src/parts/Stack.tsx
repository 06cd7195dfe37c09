// Two canvases in one box: a base that is kept, and a cheap picture over it.
import { type Signal, useSignal, useSignalEffect } from "@preact/signals";
import type { HTMLAttributes, RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { fit } from "../draw/canvas";

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
    if (!ref.current) return;
    const observer = new ResizeObserver(([entry]) => {
      const box = entry?.contentRect;
      const [width, height] = [Math.floor(box?.width ?? 0), Math.floor(box?.height ?? 0)];
      const before = size.peek();
      if (before.width !== width || before.height !== height) size.value = { width, height };
    });
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, []);
  return { ref, size };
}

type Draw = (ctx: CanvasRenderingContext2D, size: Size) => void;

interface Props extends Omit<HTMLAttributes<HTMLDivElement>, "label" | "name"> {
  box: BoxSize;
  name: string;
  label: string;
  /** Each draws again when a signal that it read changes, or the box's size. */
  base: Draw;
  over: Draw;
}

export function Stack({ box, name, label, base, over, ...rest }: Props) {
  return (
    <div class="stack" ref={box.ref} tabIndex={0} role="application" aria-label={label} {...rest}>
      <Layer size={box.size} draw={base} name={name} />
      <Layer size={box.size} draw={over} name={`${name}-over`} />
    </div>
  );
}

function Layer({ size, draw, name }: { size: Signal<Size>; draw: Draw; name: string }) {
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
