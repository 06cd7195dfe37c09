// A canvas as sharp as the screen.

export type Canvas = HTMLCanvasElement | OffscreenCanvas;

/**
 * Gives a canvas its size in CSS px and a backing store in device px; what is drawn through the
 * context is in CSS px. Setting a canvas's width clears it and costs an allocation, so that happens
 * only on a change; otherwise clearing is the caller's.
 */
export function fit(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
): CanvasRenderingContext2D {
  const ratio = canvas.ownerDocument?.defaultView?.devicePixelRatio || 1;
  const w = Math.max(1, Math.round(width * ratio));
  const h = Math.max(1, Math.round(height * ratio));
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== h) canvas.height = h;
  const [cssWidth, cssHeight] = [`${width}px`, `${height}px`];
  if (canvas.style.width !== cssWidth) canvas.style.width = cssWidth;
  if (canvas.style.height !== cssHeight) canvas.style.height = cssHeight;
  const ctx = canvas.getContext("2d");
  if (!ctx)
    throw new Error(
      "This browser gives no 2D canvas context (its memory for canvases may be used up).",
    );
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  return ctx;
}

/** Rounds CSS px to whole device px, so that edges are sharp on a screen of 1.25 or 1.5 too. */
export function snapper(ctx: CanvasRenderingContext2D): (v: number) => number {
  const ratio = ctx.getTransform().a || 1;
  return (v) => Math.round(v * ratio) / ratio;
}

/** A box's border of whole device px, `width` CSS px wide, outside of the box. */
export function border(
  ctx: CanvasRenderingContext2D,
  box: { x0: number; y0: number; x1: number; y1: number },
  width: number,
): void {
  const snap = snapper(ctx);
  const line = Math.max(snap(width), 1 / (ctx.getTransform().a || 1));
  const [x0, y0, x1, y1] = [snap(box.x0), snap(box.y0), snap(box.x1), snap(box.y1)];
  ctx.fillRect(x0 - line, y0 - line, x1 - x0 + 2 * line, line);
  ctx.fillRect(x0 - line, y1, x1 - x0 + 2 * line, line);
  ctx.fillRect(x0 - line, y0, line, y1 - y0);
  ctx.fillRect(x1, y0, line, y1 - y0);
}

/** Calls `changed` when a CSS px may have become another number of device px; returns its end. */
export function watchPixelRatio(view: Window | null, changed: () => void): () => void {
  let end = (): void => {};
  // The query is about the ratio of now: after a change another one has to be asked.
  const watch = (): void => {
    const query = view?.matchMedia?.(`(resolution: ${view.devicePixelRatio}dppx)`);
    const told = (): void => {
      watch();
      changed();
    };
    query?.addEventListener("change", told, { once: true });
    end = () => query?.removeEventListener("change", told);
  };
  watch();
  // A zoomed page is another window, in CSS px.
  view?.addEventListener("resize", changed);
  return () => {
    end();
    view?.removeEventListener("resize", changed);
  };
}
