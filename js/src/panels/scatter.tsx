// Every head by two scores: what stands apart in both.
import { useComputed, useSignal } from "@preact/signals";
import { css } from "../draw/color";
import { drawScatter, hitScatter, type ScatterDrawing } from "../draw/scatter";
import type { Plane, Session } from "../model/session";
import { Canvas, place } from "./canvas";
import { fixed } from "./number";

const MAX_HEIGHT = 260;

interface Props {
  session: Session;
  x: string;
  y: string;
}

export function ScatterPanel({ session, x, y }: Props) {
  const drawing = useSignal<ScatterDrawing | null>(null);
  const hover = useSignal<number | null>(null);
  const planes = useComputed(() => {
    const of = (name: string) => session.planes.value.find((plane) => plane.about.name === name);
    const [across, up] = [of(x), of(y)];
    return across && up ? { across, up } : null;
  });
  const heads = session.text.value.n_heads;
  const at = (event: MouseEvent) => {
    const point = place(event);
    return drawing.peek() && hitScatter(drawing.peek() as ScatterDrawing, point.x, point.y);
  };
  const said = useComputed(() => {
    const shown = planes.value;
    const [layer, head] = session.head.value;
    const index = hover.value ?? layer * heads + head;
    if (!shown) return "\u00a0";
    const { across, up } = shown;
    return `${Math.floor(index / heads)}.${index % heads}  ${fixed(across.value[index])}, ${fixed(up.value[index])}`;
  });
  if (!planes.value) return null;
  return (
    <figure class="scatter">
      <Canvas
        label="Heads by two scores; the grid has the same heads for the keyboard."
        data-cw="scatter"
        height={(width) => Math.min(MAX_HEIGHT, width)}
        draw={(ctx, box) => {
          const shown = planes.value;
          if (!shown) return;
          const [layer, head] = session.head.value;
          drawing.value = {
            ...box,
            x: axis(shown.across),
            y: axis(shown.up),
            xs: shown.across.value,
            ys: shown.up.value,
            colour: css(session.table.value, 0.72),
            selected: layer * heads + head,
            hover: hover.value,
            theme: session.theme.value,
          };
          drawScatter(ctx, drawing.peek() as ScatterDrawing);
        }}
        onMouseMove={(event) => {
          hover.value = at(event);
        }}
        onMouseLeave={() => {
          hover.value = null;
        }}
        onClick={(event) => {
          const index = at(event);
          if (index !== null)
            session.select({ layer: Math.floor(index / heads), head: index % heads });
        }}
      />
      <p class="tip" data-cw="scatter-tip">
        {said}
      </p>
    </figure>
  );
}

function axis({ about }: Plane) {
  return { label: about.label, min: about.least, max: about.most, chance: about.chance };
}
