// A value with its interval and its baseline: drawn on a scale where there is one, and said in words.
//
// Stable props (others may be added, these stay):
//   value, low, high       NaN or null: missing
//   interval               what low and high are: "95 % interval"
//   baseline               what the value is compared with, or null
//   baselineName           which one: "chance", "without repeats"
//   unit, digits
//   ends                   [least, most] of the bar; without it the words alone
import { fixed, isThere, type Numeric, interval as spanOf } from "../draw/number";
import { bring } from "../styles";
import sheet from "../styles/estimate.css";

bring(sheet);

export interface EstimateProps {
  value: Numeric;
  low?: Numeric;
  high?: Numeric;
  interval?: string;
  baseline?: Numeric;
  baselineName?: string;
  unit?: string;
  digits?: number;
  ends?: readonly [least: number, most: number];
}

export function Estimate(props: EstimateProps) {
  const { value, low, high, baseline, baselineName = "baseline", unit, digits = 2, ends } = props;
  const span = spanOf(low, high, digits);
  if (!ends)
    return (
      <span class="estimate words-only">
        <b>{fixed(value, digits)}</b> {unit} {span && <small title={props.interval}>{span}</small>}
        {isThere(baseline) && (
          <span class="quiet">
            {baselineName} {fixed(baseline, digits)}
          </span>
        )}
      </span>
    );
  const place = (at: number) => {
    const [least, most] = ends;
    return Math.max(0, Math.min(1, (at - least) / (most - least || 1)));
  };
  // A negative value's bar goes to the left of zero.
  const zero = place(0);
  const [from, to] = [Math.min(zero, place(value ?? 0)), Math.max(zero, place(value ?? 0))];
  return (
    <span class="estimate" title={estimateInWords(props)}>
      <span class="track" aria-hidden="true">
        {isThere(value) && (
          <span class="bar" style={{ left: percent(from), width: percent(to - from) }} />
        )}
        {isThere(low) && isThere(high) && (
          <span
            class="interval"
            style={{ left: percent(place(low)), width: percent(place(high) - place(low)) }}
          />
        )}
        {isThere(baseline) && <span class="chance" style={{ left: percent(place(baseline)) }} />}
      </span>
      <span class="number">{fixed(value, digits)}</span>
    </span>
  );
}

/** "0.55 (95 % interval 0.52 to 0.58); baseline: chance 0.02". */
export function estimateInWords(props: EstimateProps): string {
  const { value, low, high, interval = "interval", baseline, baselineName = "" } = props;
  const { unit = "", digits = 2 } = props;
  if (!isThere(value)) return "not computed";
  const span = spanOf(low, high, digits);
  const words = [fixed(value, digits), unit, span && `(${interval} ${span})`];
  const against = [baselineName, fixed(baseline, digits)].filter(Boolean).join(" ");
  const said = words.filter(Boolean).join(" ");
  return isThere(baseline) ? `${said}; baseline: ${against}` : said;
}

function percent(share: number): string {
  return `${100 * share}%`;
}
