// The selected head's pattern in small.
import { useComputed } from "@preact/signals";
import { pack } from "../../draw/color";
import { pictureOfTile } from "../../draw/picture";
import { coarser } from "../../draw/tile";
import type { Session } from "../../model/session";
import { Stack, useBox } from "../../parts/Stack";

export function Thumbnail({ session }: { session: Session }) {
  const box = useBox();
  const first = session.params.choice("first");
  const picture = useComputed(() => {
    const tile = session.picture.value;
    if (!tile) return null;
    const background = pack(session.theme.value.page);
    const small = coarser(tile, 72);
    return pictureOfTile(small, session.table.value, session.vmax(tile), {
      first: first.value,
      background,
    });
  });
  return (
    <div class="thumb">
      <Stack
        box={box}
        name="thumb"
        label="The head's pattern, small"
        role="img"
        base={(ctx, { width, height }) => {
          ctx.imageSmoothingEnabled = false;
          if (picture.value) ctx.drawImage(picture.value.canvas, 0, 0, width, height);
          ctx.strokeStyle = session.theme.value.line;
          ctx.strokeRect(0.5, 0.5, width - 1, height - 1);
        }}
      />
    </div>
  );
}
