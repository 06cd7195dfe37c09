// What the colours mean, in one line: the ramp between its ends, the unit, and what chance gives.
//
// Stable props: `name`, `theme`, `scale`, `marker` (the selected value), `note` (a word on what is
// faint or dashed). It wraps in a narrow place.
import type { ReadonlySignal } from "@preact/signals";
import { drawLegend, LEGEND_ROOM } from "../draw/legend";
import { shortNumber } from "../draw/number";
import { type Scale, tableOf } from "../draw/scale";
import type { Theme } from "../draw/theme";
import { bring } from "../styles";
import sheet from "../styles/legend.css";
import { useLatest } from "./latest";
import { Stack, useBox } from "./Stack";

bring(sheet);

const RAMP = 8;

export interface LegendProps {
  name: string;
  theme: ReadonlySignal<Theme>;
  scale: Scale;
  marker?: number | null;
  note?: string | undefined;
}

export function Legend({ name, theme, scale, marker = null, note }: LegendProps) {
  const box = useBox();
  const { least, most, signed, unit, chance, chanceName = "chance" } = scale;
  // Part by part: an object made for each rendering is not another scale.
  const given = useLatest({ least, most, signed, chance, marker });
  const known = chance !== null && chance !== undefined && Number.isFinite(chance);
  const words = `${shortNumber(least)} to ${shortNumber(most)} ${unit}`;
  return (
    <div class="legend" data-cw={`${name}-legend`}>
      <span class="ends">
        <span>{shortNumber(least)}</span>
        <Stack
          box={box}
          name={`${name}-ramp`}
          label={`Colour scale: ${words}`}
          role="img"
          style={{ height: `${LEGEND_ROOM.above + RAMP + LEGEND_ROOM.below}px` }}
          base={(ctx, { width }) => {
            const { marker, ...ends } = given.value;
            const scale = { ...ends, unit };
            const table = tableOf(scale, theme.value);
            const [x, y] = [4, LEGEND_ROOM.above];
            const ramp = { x, y, width: width - 8, height: RAMP };
            drawLegend(ctx, { ...ramp, table, theme: theme.value, scale, marker });
          }}
        />
        <span>{shortNumber(most)}</span>
      </span>
      {unit && <span>{unit}</span>}
      {known && (
        <span class="chance-key">
          {chanceName} {shortNumber(chance)}
        </span>
      )}
      {note && <span>{note}</span>}
    </div>
  );
}
