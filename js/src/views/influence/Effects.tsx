// The text in the colours of its effects, and below each line its numbers with their intervals.
import { type ReadonlySignal, useComputed, useSignal } from "@preact/signals";
import { labelText } from "../../draw/label";
import { fixed } from "../../draw/number";
import type { Theme } from "../../draw/theme";
import { Choice } from "../../parts/Choice";
import { useLatest } from "../../parts/latest";
import { Words, type WordsLook } from "../../parts/Words";
import { chartOf, lookOf } from "./look";
import type { Effect, InfluenceRows } from "./rows";

interface Props {
  rows: InfluenceRows;
  tokens: readonly string[];
  prompt: string;
  theme: ReadonlySignal<Theme>;
  /** The name of the effect that is shown, and the token that is selected. */
  measure: string;
  chooseMeasure: (name: string) => void;
  token: number | null;
  chooseToken: (token: number) => void;
}

export function Effects(props: Props) {
  const { rows, tokens, prompt, theme } = props;
  const effect = rows.effects.find(({ name }) => name === props.measure) ?? rows.effects[0];
  const hover = useSignal<number | null>(null);
  const given = useLatest({ rows, effect: effect ?? null, token: props.token });
  const at = useComputed(() => hover.value ?? given.value.token);
  const look = useComputed<WordsLook>(() => lookOf(given.value.rows, given.value.effect));
  const chart = useComputed(() => chartOf(given.value.rows, given.value.effect));
  if (!effect) return null;
  return (
    <>
      <div class="words-top">
        <h3>Text</h3>
        {rows.effects.length > 1 && (
          <Choice
            label="Measure"
            options={rows.effects.map(({ name, label, about }) => ({ value: name, label, about }))}
            value={effect.name}
            choose={props.chooseMeasure}
          />
        )}
      </div>
      <Words
        label="The text. Left and Right go from token to token, Enter selects."
        {...{ tokens, prompt, theme, look, chart, at }}
        point={(token) => {
          hover.value = token;
        }}
        choose={props.chooseToken}
      />
      <Said {...{ effect, rows, tokens, at }} />
      <p class="quiet">
        x: {rows.byDistance ? "distance to the output, in tokens" : "position"}; y: {effect.label}
        {effect.unit && ` (${effect.unit})`}. {effect.about}
        {effect.signed &&
          (rows.several || !rows.enumerated) &&
          ` Faint: the ${effect.interval} contains 0${rows.several ? ", or one prompt alone has a token there" : ""}.`}
      </p>
      {rows.several && (
        <p class="quiet" data-cw="several">
          Means of {rows.nPrompts} prompts
          {rows.byDistance && ", aligned at the output that is read"}. Thin outline: prompts differ
          there; the commonest token stands for all, with how many others there are.
        </p>
      )}
      <p class="quiet" data-cw="replaced-by">
        Each token is replaced by {rows.replacedBy}
        {rows.enumerated &&
          (rows.several
            ? ": each prompt's mean has no sampling error"
            : ": the means have no sampling error")}
        .
      </p>
    </>
  );
}

/** “Mary”; or all that prompts have there. */
function wordOf(token: string, others: string | undefined): string {
  return others ? `[${labelText(others, 120)}]` : `“${labelText(token, 20).trim()}”`;
}

function placeOf({ byDistance, position }: InfluenceRows, i: number): string {
  if (!byDistance) return `position ${i}`;
  const away = position - i;
  return away === 0 ? "at the output" : `${away} token${away > 1 ? "s" : ""} before the output`;
}

/** The token pointed at, in words; announced when keys go there. */
function Said({
  effect,
  rows,
  tokens,
  at,
}: {
  effect: Effect;
  rows: InfluenceRows;
  tokens: readonly string[];
  at: ReadonlySignal<number | null>;
}) {
  const i = at.value;
  if (i === null || i >= tokens.length)
    return (
      <p class="said" data-cw="effect">
        <span class="quiet">Hover a token to see its effect.</span>
      </p>
    );
  const [value, low, high] = [effect.value[i], effect.low[i], effect.high[i]];
  const most = effect.nullHigh[i];
  const { several, enumerated } = rows;
  return (
    <p class="said" data-cw="effect" aria-live="polite">
      {wordOf(tokens[i] ?? "", several?.others[i])} ({placeOf(rows, i)}):{" "}
      {value === undefined || Number.isNaN(value) ? (
        "not computed"
      ) : (
        <>
          <b>{fixed(value)}</b> {effect.unit}
          {low === undefined || Number.isNaN(low)
            ? enumerated && !several
              ? ", mean over all replacements"
              : ", without an interval"
            : `, ${effect.interval} ${fixed(low)} to ${fixed(high)}`}
          {most !== undefined &&
            !Number.isNaN(most) &&
            `; random changes of equal size: at most ${fixed(most)}`}
          {several && `; n = ${several.n[i]}`}
        </>
      )}
    </p>
  );
}
