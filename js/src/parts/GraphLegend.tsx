// What the lines of a graph mean: their widths and colours, with the unit.
import { lineColour, lineDash, lineWidth } from "../draw/graph";
import type { GraphData } from "../draw/graph-layout";
import { shortNumber } from "../draw/number";
import type { Theme } from "../draw/theme";
import { bring } from "../styles";
import sheet from "../styles/graph-legend.css";

bring(sheet);

interface Props {
  name: string;
  data: GraphData;
  theme: Theme;
  most: number;
  least: number;
  signed: boolean;
  unit: string;
}

export function GraphLegend({ name, data, theme, most, least, signed, unit }: Props) {
  // A threshold above the largest: there is no line, and the largest still says what there was.
  const thin = Math.min(most, Math.max(least, most / 10));
  const sizes = signed ? [-most, -thin, thin, most] : [thin, (thin + most) / 2, most];
  const weights = [...new Set(sizes)];
  return (
    <span class="graph-legend quiet" data-cw={`${name}-legend`}>
      {weights.map((weight) => (
        <span key={weight}>
          <svg width="22" height="8" aria-hidden="true">
            <line
              x1="1"
              x2="21"
              y1="4"
              y2="4"
              stroke={lineColour(weight, most, signed, theme)}
              stroke-width={lineWidth(weight, { data, most })}
              stroke-dasharray={lineDash(weight).join(" ") || "none"}
            />
          </svg>
          {shortNumber(weight)}
        </span>
      ))}
      <span>{unit}</span>
    </span>
  );
}
