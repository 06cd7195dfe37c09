// The lower edge of a view: dragged, or moved by arrow keys, it makes the view higher.
import { useRef } from "preact/hooks";

interface Props {
  height: number | null;
  /** How high the view is now, in px. */
  now: () => number;
  /** Null: as high as it is by itself. */
  set: (height: number | null) => void;
}

export const LEAST_HEIGHT = 260;
export const MOST_HEIGHT = 4000;
const STEP = 40;

export function Handle({ height, now, set }: Props) {
  const from = useRef<{ y: number; height: number } | null>(null);
  const take = (wanted: number) =>
    set(Math.round(Math.min(MOST_HEIGHT, Math.max(LEAST_HEIGHT, wanted))));
  return (
    <div
      class="handle"
      data-cw="handle"
      role="slider"
      aria-orientation="vertical"
      aria-label="Height of this view"
      aria-valuemin={LEAST_HEIGHT}
      aria-valuemax={MOST_HEIGHT}
      aria-valuenow={height ?? now()}
      aria-valuetext={height === null ? "automatic" : `${height} pixels`}
      title="Drag to make the view higher or lower; double-click for its own height"
      tabIndex={0}
      data-keys="ArrowUp ArrowDown Home"
      onPointerDown={(event) => {
        from.current = { y: event.clientY, height: now() };
        event.currentTarget.setPointerCapture?.(event.pointerId);
        event.preventDefault();
      }}
      onPointerMove={(event) => {
        const { y, height } = from.current ?? { y: 0, height: 0 };
        if (from.current) take(height + event.clientY - y);
      }}
      onPointerUp={() => {
        from.current = null;
      }}
      onPointerCancel={() => {
        from.current = null;
      }}
      onDblClick={() => set(null)}
      onKeyDown={(event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
        const by = { ArrowUp: -STEP, ArrowDown: STEP }[event.code];
        if (by !== undefined) take(now() + by);
        else if (event.code === "Home") set(null);
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
    />
  );
}
