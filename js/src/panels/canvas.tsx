// A canvas that draws itself again when a signal it read changes, or when its box does.
import { useSignal, useSignalEffect } from "@preact/signals";
import type { CanvasHTMLAttributes } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { fit } from "../draw/canvas";

export interface Box {
  width: number;
  height: number;
}

interface Props extends Omit<CanvasHTMLAttributes<HTMLCanvasElement>, "ref" | "height" | "label"> {
  /** Height for a width; the canvas takes the width of its parent. */
  height: (width: number) => number;
  draw: (ctx: CanvasRenderingContext2D, box: Box) => void;
  label: string;
}

export function Canvas({ height, draw, label, ...rest }: Props) {
  const ref = useRef<HTMLCanvasElement>(null);
  const width = useSignal(0);
  useEffect(() => {
    const parent = ref.current?.parentElement;
    if (!parent) return;
    const observer = new ResizeObserver(([entry]) => {
      width.value = Math.floor(entry?.contentRect.width ?? 0);
    });
    observer.observe(parent);
    return () => observer.disconnect();
  }, []);
  useSignalEffect(() => {
    const canvas = ref.current;
    if (!canvas || width.value === 0) return;
    const box = { width: width.value, height: height(width.value) };
    const ctx = fit(canvas, box.width, box.height);
    ctx.clearRect(0, 0, box.width, box.height);
    draw(ctx, box);
  });
  return <canvas ref={ref} role="img" aria-label={label} {...rest} />;
}

/** The pointer's place in its element, in CSS px. */
export function place(event: MouseEvent): { x: number; y: number } {
  const box = (event.currentTarget as Element).getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}
