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
import { bring } from "../styles";
import sheet from "../styles/thumbnails.css";
import { useLatest } from "./latest";
import { keepFocus, place, Stack, useBox } from "./Stack";
import { Tooltip } from "./Tooltip";

bring(sheet);

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
  const hover = useSignal<{ thing: number; at: { x: number; y: number; width: number } } | null>(
    null,
  );
  const given = useLatest({ names, pictures });
  const chosen = useLatest({ selected });
  const drawing = useComputed(() => ({
    ...given.value,
    width: box.size.value.width,
    theme: theme.value,
  }));
  const find = (event: MouseEvent) => {
    const { x, y } = place(event);
    const { width } = box.size.peek();
    const thing = hitThumbnail(names.length, width, x, y);
    return thing === null ? null : { thing, at: { x, y, width } };
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
            hover: hover.value?.thing ?? null,
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
          const found = find(event);
          if (found !== null) choose(found.thing);
        }}
      />
      <Tooltip name={name} at={hover.value?.at ?? null}>
        {hover.value === null ? null : said(hover.value.thing)}
      </Tooltip>
    </div>
  );
}
