// The text in the colours of how much each token contributes to the prediction.
import { type ReadonlySignal, useComputed, useSignal } from "@preact/signals";
import { labelText } from "../../draw/label";
import { fixed, interval, isThere } from "../../draw/number";
import { evenly } from "../../draw/scale";
import type { Theme } from "../../draw/theme";
import { Facts } from "../../parts/Facts";
import { useLatest } from "../../parts/latest";
import { Tooltip } from "../../parts/Tooltip";
import { Words, type WordsLook } from "../../parts/Words";
import type { FlowRows, Span } from "./rows";

interface Props {
  rows: FlowRows;
  tokens: readonly string[];
  prompt: string;
  theme: ReadonlySignal<Theme>;
  token: number | null;
  chooseToken: (token: number) => void;
}

export function Sources({ rows, tokens, prompt, theme, token, chooseToken }: Props) {
  const hover = useSignal<number | null>(null);
  const given = useLatest({ rows, token });
  const at = useComputed(() => hover.value ?? given.value.token);
  const look = useComputed<WordsLook>(() => {
    const { position, sources } = given.value.rows;
    const { most } = evenly(sources.route.value);
    return {
      ground: sources.route.value.map((share) => share / most),
      signed: false,
      marks: {
        pinned: (i) => i === position,
        here: (i) => sources.confirmed[i] === 1,
      },
    };
  });
  const i = at.value;
  const { route, knockout, rollout } = rows.sources;
  const said = (i: number) => {
    const cost = `blocking it costs ${fixed(knockout.value[i])} ${rows.unit}${spanOf(knockout, i)}`;
    const likely = knockout.bound?.[i];
    const bound = isThere(likely) ? ` (tokens as likely: at most ${fixed(likely)})` : "";
    return `“${labelText(tokens[i] ?? "", 20).trim()}” (position ${i}): share by route ${fixed(route.value[i])}${spanOf(route, i)}, by attention rollout ${fixed(rollout[i])} (baseline); ${cost}${bound}`;
  };
  return (
    <>
      <div class="words-top">
        <h3>
          Text{" "}
          <span class="quiet">
            {rows.nPrompts > 1 &&
              `of the first of ${rows.nPrompts} prompts; numbers are means, with ${knockout.interval}s over prompts; `}
            share of the residual stream by route: where it comes from, not what it causes
          </span>
        </h3>
      </div>
      <Words
        label="The text. Left and Right go from token to token, Enter selects."
        {...{ tokens, prompt, theme, look, at }}
        point={(token) => {
          hover.value = token;
        }}
        choose={chooseToken}
      />
      <div class="flow-said">
        <Tooltip name="route" live>
          {i === null || i >= route.value.length
            ? "Outlined: blocking it costs more than at other queries, and more than it costs tokens as likely as the target."
            : said(i)}
        </Tooltip>
        <Facts facts={rows.facts} />
      </div>
    </>
  );
}

function spanOf({ low, high }: Span, i: number): string {
  const span = interval(low?.[i], high?.[i]);
  return span && ` (${span})`;
}
