// Scores of all heads, read from the one buffer they come in.
import type { Score, ScoresInfo } from "../contract.gen";
import { floats } from "../wire/client";

/** Values of one score for all heads. */
export interface Plane {
  about: Score;
  value: Float32Array;
  control: Float32Array | null;
  low: Float32Array | null;
  high: Float32Array | null;
  /** What the low end has to be above. */
  bar: Float32Array | null;
}

interface Shape {
  n_layers: number;
  n_heads: number;
}

/** No planes where their bytes are missing. */
export function readPlanes(
  info: ScoresInfo,
  data: DataView,
  { n_layers, n_heads }: Shape,
): Plane[] {
  const size = n_layers * n_heads;
  if (data.byteLength < info.planes * size * 4) return [];
  const plane = (index: number | null) =>
    index === null ? null : floats(data, index * size * 4, size);
  return info.scores.map((about) => ({
    about,
    value: plane(about.value) as Float32Array,
    control: plane(about.control),
    low: plane(about.low),
    high: plane(about.high),
    bar: plane(about.bar),
  }));
}

/** What a head's score has to be compared with: its own control, else chance. */
export function baselineOf(plane: Plane, index: number): number | null {
  const control = plane.control?.[index];
  return control !== undefined && !Number.isNaN(control) ? control : plane.about.chance;
}

/** 1 for heads whose score cannot be told from its baseline. */
export function faintOf(plane: Plane): Uint8Array {
  const { about, value, low, high, bar } = plane;
  return Uint8Array.from({ length: value.length }, (_, i) => {
    const score = value[i] ?? Number.NaN;
    const mean = baselineOf(plane, i);
    const above = bar?.[i] ?? Number.NaN;
    const baseline = Number.isNaN(above) ? mean : above;
    // A score that chance already gives the most of (entropy) is read from that end.
    if (Number.isNaN(score) || baseline === null || baseline >= about.most) return 0;
    const from = low?.[i] ?? Number.NaN;
    const to = high?.[i] ?? Number.NaN;
    if (about.least < 0 && !Number.isNaN(from) && !Number.isNaN(to))
      return from <= baseline && baseline <= to ? 1 : 0;
    const sure = Number.isNaN(from) ? score : from;
    return about.least < 0 || sure > baseline ? 0 : 1;
  });
}
