// Small pictures of many things: painted once and kept; pointing and selecting paint over them.
//
// Stable props (others may be added, these stay):
//   name, label              data-cw of the canvas (`NAME-over`, `NAME-tip`); a sentence
//   names, pictures          of each thing; null: it has no picture
//   selected, choose, said   a thing by its place among them
import { type ReadonlySignal, useComputed, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { Picture } from "../draw/picture";
import type { Theme } from "../draw/theme";
import { drawThumbnails, drawThumbnailsOver, heightOf, hitThumbnail } from "../draw/thumbnails";
import { useLatest } from "./latest";
import { keepFocus, place, Stack, useBox } from "./Stack";
import { Tooltip } from "./Tooltip";

interface Props {
  name: string;
  label: string;
  theme: ReadonlySignal<Theme>;
  names: readonly string[];
  pictures: readonly (Picture | null)[];
  selected: number | null;
  choose: (at: number) => void;
  said: (at: number) => ComponentChildren;
}

export function Thumbnails({ name, label, theme, names, pictures, selected, choose, said }: Props) {
  const box = useBox();
  const hover = useSignal<number | null>(null);
  const given = useLatest({ names, pictures });
  const chosen = useLatest({ selected });
  const drawing = useComputed(() => ({
    ...given.value,
    width: box.size.value.width,
    theme: theme.value,
  }));
  const find = (event: MouseEvent): number | null => {
    const { x, y } = place(event);
    return hitThumbnail(names.length, box.size.peek().width, x, y);
  };
  return (
    <div class="thumbnails">
      <Stack
        box={box}
        name={name}
        label={label}
        role="img"
        style={{ height: `${heightOf(names.length, box.size.value.width)}px` }}
        base={(ctx) => drawThumbnails(ctx, drawing.value)}
        over={(ctx) =>
          drawThumbnailsOver(ctx, drawing.value, {
            selected: chosen.value.selected,
            hover: hover.value,
          })
        }
        onMouseDown={keepFocus}
        onMouseMove={(event) => {
          hover.value = find(event);
        }}
        onMouseLeave={() => {
          hover.value = null;
        }}
        onClick={(event) => {
          const at = find(event);
          if (at !== null) choose(at);
        }}
      />
      <Tooltip name={name}>{hover.value === null ? null : said(hover.value)}</Tooltip>
    </div>
  );
}
