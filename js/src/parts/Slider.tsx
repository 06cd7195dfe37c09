// A number on a scale: its name, the handle, and the value.
//
// Stable props: `name` (data-cw of the input), `label`, `about`, `least`, `most`, `step`, `value`,
// `set`, `unit`, `digits`, `said` (for assistive technology, where `label` alone says too little),
// `shown` (what stands for the value, where a number says too little), `locked`.
import { fixed } from "../draw/number";
import { bring } from "../styles";
import sheet from "../styles/slider.css";

bring(sheet);

interface Props {
  name: string;
  label: string;
  about?: string;
  said?: string;
  least: number;
  most: number;
  step: number;
  value: number;
  set: (value: number) => void;
  unit?: string;
  digits?: number;
  shown?: string;
  /** The author of the page has fixed it. */
  locked?: boolean;
}

export function Slider(props: Props) {
  const { name, label, about, said, least, most, step, value, set, unit = "", digits } = props;
  const { locked = false } = props;
  const shown = props.shown ?? [fixed(value, digits), unit].filter(Boolean).join(" ");
  return (
    <label class="slider" title={locked ? "The author of this page has set it." : about}>
      <span>{label}</span>
      <input
        type="range"
        data-cw={name}
        min={least}
        max={most}
        step={step}
        value={String(value)}
        disabled={locked}
        aria-label={said ?? label}
        aria-valuetext={shown}
        onInput={(event) => set(Number(event.currentTarget.value))}
      />
      <b>{shown}</b>
    </label>
  );
}
