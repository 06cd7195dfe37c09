// Every head's score: rows are layers, columns are heads, beside each row the layer's highest.
//
// Stable props (others may be added, these stay):
//   name, label            data-cw of the canvas (`NAME-over`, `NAME-tip`, `NAME-legend`); a sentence
//   layers, heads, values  values[layer * heads + head], NaN: not computed
//   scale                  ends, sign, unit, chance: shown under the grid
//   faint, marks           1: cannot be told from chance; 1: a dot
//   selected, hover        [layer, head]; `hover` is a signal of yours that others may read
//   choose, said           a click; a head in words (of the one pointed at, else the selected one)
// The box's height comes from CSS (`.head-grid .stack`, and `fill`): cells shrink to 5 px, then the
// grid scrolls inside of itself. Arrow keys are the view's, which moves the selected head.
import { type ReadonlySignal, type Signal, useComputed, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { bestOf, drawGrid, drawGridOver, type HeadPlace } from "../draw/grid";
import { gridLayout, hitBar, hitGrid, leastGrid, tallestGrid } from "../draw/grid-layout";
import type { Scale } from "../draw/scale";
import type { Theme } from "../draw/theme";
import { bring } from "../styles";
import sheet from "../styles/head-grid.css";
import { Legend } from "./Legend";
import { useLatest } from "./latest";
import { keepFocus, place, Stack, useBox } from "./Stack";
import { Tooltip } from "./Tooltip";

bring(sheet);

export type HeadAt = readonly [layer: number, head: number];

export interface HeadGridProps {
  name: string;
  label: string;
  theme: ReadonlySignal<Theme>;
  layers: number;
  heads: number;
  values: ArrayLike<number>;
  scale: Scale;
  faint?: Uint8Array | null;
  marks?: Uint8Array | null;
  selected: HeadAt | null;
  hover?: Signal<HeadAt | null>;
  choose: (layer: number, head: number) => void;
  said: (layer: number, head: number) => ComponentChildren;
  note?: string;
  fill?: boolean;
}

const placeOf = (at: HeadAt | null): HeadPlace | null => at && { layer: at[0], head: at[1] };

export function HeadGrid(props: HeadGridProps) {
  const { name, label, theme, layers, heads, values, scale, faint, marks, selected } = props;
  const box = useBox();
  const own = useSignal<HeadAt | null>(null);
  const hover = props.hover ?? own;
  const hoverBar = useSignal<number | null>(null);
  const { least, most, signed } = scale;
  const given = useLatest({ layers, heads, values, faint, marks, least, most, signed });
  const chosen = useLatest({ layer: selected?.[0] ?? null, head: selected?.[1] ?? null });
  const drawing = useComputed(() => {
    const { layers, heads, values, faint, marks, ...ends } = given.value;
    const layout = gridLayout(layers, heads, box.size.value);
    const scale = { ...ends, unit: "" };
    return { layout, values, faint, marks, scale, theme: theme.value };
  });
  const room = leastGrid(layers, heads);
  const width = useComputed(() => box.size.value.width);
  const tallest = tallestGrid(layers, heads, width.value);
  const index = selected ? selected[0] * heads + selected[1] : -1;
  return (
    <div
      class={props.fill ? "head-grid fill" : "head-grid"}
      style={{ "--cw-layers": String(layers) }}
    >
      {/* Its own box, so that a very large model scrolls and the page does not. */}
      <div class="scroll" style={width.value > 0 ? { maxHeight: `${tallest}px` } : {}}>
        <Stack
          box={box}
          name={name}
          label={label}
          role="img"
          style={{ minWidth: `${room.width}px`, minHeight: `${room.height}px` }}
          base={(ctx) => {
            const o = drawing.value;
            drawGrid(ctx, o);
            const { x0, y0, pitchX, pitchY } = o.layout;
            ctx.canvas.dataset.frame = [x0, y0, pitchX, pitchY].join();
          }}
          over={(ctx) => {
            const { layer, head } = chosen.value;
            drawGridOver(ctx, drawing.value, {
              selected: layer === null || head === null ? null : { layer, head },
              hover: placeOf(hover.value),
            });
          }}
          onMouseDown={keepFocus}
          onMouseMove={(event) => {
            const { x, y } = place(event);
            const g = drawing.peek().layout;
            const [found, before] = [hitGrid(g, x, y), hover.peek()];
            hoverBar.value = found ? null : hitBar(g, x, y);
            if (found?.layer !== before?.[0] || found?.head !== before?.[1])
              hover.value = found ? [found.layer, found.head] : null;
          }}
          onMouseLeave={() => {
            hover.value = null;
            hoverBar.value = null;
          }}
          onClick={(event) => {
            const { x, y } = place(event);
            const found = hitGrid(drawing.peek().layout, x, y);
            if (found) props.choose(found.layer, found.head);
          }}
        />
      </div>
      <Said {...{ ...props, hover, hoverBar }} />
      <Legend
        name={name}
        theme={theme}
        scale={scale}
        marker={values[index] ?? null}
        note={props.note}
      />
    </div>
  );
}

interface SaidProps extends HeadGridProps {
  hover: Signal<HeadAt | null>;
  hoverBar: Signal<number | null>;
}

function Said({ name, hover, hoverBar, selected, said, values, heads, scale }: SaidProps) {
  const layer = hoverBar.value;
  if (layer !== null) {
    const best = bestOf(values, heads, layer, scale.signed);
    return (
      <Tooltip name={name}>
        {best ? (
          <>
            highest of layer {layer}: {said(layer, best.head)}
          </>
        ) : (
          "not computed"
        )}
      </Tooltip>
    );
  }
  const at = hover.value ?? selected;
  return (
    <Tooltip name={name} live={hover.value === null}>
      {at ? said(...at) : null}
    </Tooltip>
  );
}
