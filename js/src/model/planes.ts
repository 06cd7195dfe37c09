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
