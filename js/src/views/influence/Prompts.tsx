// The effect of every token in each of several prompts: what the means are means of.
import type { ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { labelText } from "../../draw/label";
import { fixed } from "../../draw/number";
import { evenly } from "../../draw/scale";
import type { Theme } from "../../draw/theme";
import { Heat } from "../../parts/Heat";
import type { Effect, InfluenceRows, Several } from "./rows";

interface Props {
  rows: InfluenceRows;
  several: Several;
  /** The effect that is shown. */
  effect: Effect;
  tokens: readonly string[];
  theme: ReadonlySignal<Theme>;
}

export function Prompts({ rows, several, effect, tokens, theme }: Props) {
  const [n, cols] = [several.texts.length, tokens.length];
  const values = several.values(effect.name) ?? new Float32Array(n * cols).fill(Number.NaN);
  const cells = useMemo(() => ({ rows: n, cols, values }), [n, cols, values]);
  const names = useMemo(
    () =>
      several.targets.map(
        (target, prompt) => `${prompt} ${target.replace(/ against .*|[“”]/g, "").trim()}`,
      ),
    [several],
  );
  const scale = useMemo(() => {
    const { least, most } = evenly(values);
    return { least: effect.signed ? least : 0, most, signed: effect.signed, unit: effect.unit };
  }, [values, effect.signed, effect.unit]);
  const more = rows.nPrompts > n ? `, the first ${n} of ${rows.nPrompts}` : "";
  return (
    <div class="by-prompt" style={`--cw-prompts: ${n}`}>
      <Heat
        name="by-prompt"
        label={`${effect.label} of each token in each prompt.`}
        title={
          <h3>
            Each prompt (rows{more}): {effect.label} of each token (columns)
          </h3>
        }
        {...{ theme, cells, scale }}
        fill
        rows={{ label: "text", names }}
        cols={{ label: "token", names: tokens }}
        said={(row, col) => {
          const value = values[row * cols + col] ?? Number.NaN;
          const token = labelText(several.token(row, col), 16).trim();
          if (!token) return `Prompt ${row} has no token there.`;
          const said = Number.isNaN(value) ? "not measured" : `${fixed(value)} ${effect.unit}`;
          return `“${token}” on ${several.targets[row]} in prompt ${row}: ${said}. ${labelText(several.texts[row] ?? "", 120)}`;
        }}
      />
    </div>
  );
}
