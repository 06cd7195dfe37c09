// What each token does to the output: the text in colours, and each position with its interval.
import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import type { InfluenceTopic, Measure } from "../contract.gen";
import { css, diverging } from "../draw/color";
import { labelText } from "../draw/label";
import type { Session } from "../model/session";
import { floats } from "../wire/client";
import { Canvas } from "./canvas";
import { Choice } from "./choice";
import { Heat } from "./heat";
import { fixed } from "./number";
import { tint, useWords, Words } from "./words";

const HEIGHT = 132;
const ROOM = { left: 40, right: 8, top: 8, bottom: 18 };

export function EffectsPanel({ session, topic }: { session: Session; topic: InfluenceTopic }) {
  const chosen = useSignal(topic.measures[0]?.name ?? "");
  const measure = topic.measures.find((m) => m.name === chosen.value) ?? topic.measures[0];
  const hover = useSignal<number | null>(null);
  if (!measure) return null;
  const name = (i: number) => labelText(session.text.value.tokens[i] ?? "", 20).trim();
  const at = hover.value;
  return (
    <>
      <section class="strip" aria-label="The text">
        <div class="strip-top">
          <h3>
            What “{labelText(topic.target, 20).trim()}” after {topic.position} hangs on
          </h3>
          {topic.measures.length > 1 && (
            <Choice
              label="Measure"
              options={topic.measures.map((m) => ({
                value: m.name,
                label: m.label,
                about: m.about,
              }))}
              value={measure.name}
              choose={(value) => {
                chosen.value = value;
              }}
            />
          )}
        </div>
        <EffectWords session={session} topic={topic} measure={measure} hover={hover} />
        <Intervals session={session} measure={measure} hover={hover.value} topic={topic} />
        <p class="said" data-cw="effect">
          {at === null ? (
            <span class="quiet">{measure.about} Faint: the interval includes 0.</span>
          ) : (
            <>
              “{name(at)}” at {at}: <b>{fixed(measure.value[at])}</b> {measure.unit}
              {measure.low[at] !== null && measure.low[at] !== undefined
                ? `, ${fixed(measure.low[at])} to ${fixed(measure.high[at])}`
                : measure.value[at] === null
                  ? ", not computed"
                  : ", no interval"}
            </>
          )}
        </p>
        {topic.screen !== null && (
          <p class="quiet" data-cw="screen">
            Estimated from slopes; rank correlation with exact effects at a sample of positions:{" "}
            {fixed(topic.screen)}.
          </p>
        )}
      </section>
      {topic.outputs.length > 0 && <Outputs session={session} topic={topic} />}
      {topic.pairs && <Pairs session={session} topic={topic} />}
    </>
  );
}

/** Whether an effect is sure: its interval excludes 0. Without an interval nobody knows. */
function sure({ low, high }: Measure, i: number): boolean {
  const [from, to] = [low[i], high[i]];
  if (from === null || to === null || from === undefined || to === undefined) return true;
  return from > 0 || to < 0;
}

function largest(values: (number | null)[]): number {
  let most = 0;
  for (const value of values) if (value !== null && Math.abs(value) > most) most = Math.abs(value);
  return most || 1;
}

function EffectWords({
  session,
  topic,
  measure,
  hover,
}: {
  session: Session;
  topic: InfluenceTopic;
  measure: Measure;
  hover: { value: number | null };
}) {
  const at = useWords(session);
  const shown = useSignal({ topic, measure });
  if (shown.peek().measure !== measure) shown.value = { topic, measure };
  useSignalEffect(() => {
    at.box.value;
    const theme = session.theme.value;
    const { topic, measure } = shown.value;
    const table = diverging(theme);
    const most = largest(measure.value);
    for (const [i, span] of at.spans.entries()) {
      const value = measure.value[i] ?? null;
      const t = value === null ? 0 : (value / most) * (sure(measure, i) ? 1 : 0.35);
      const ground = Math.abs(t) < 0.02 ? "" : css(table, (t + 1) / 2);
      tint(span, ground, Math.abs(t) > 0.6 ? theme.page : "");
      span.classList.toggle("pinned", i === topic.position);
      span.classList.toggle("unknown", value === null && i <= topic.position);
      span.classList.toggle("written", i >= topic.n_prompt);
    }
  });
  return (
    <Words
      at={at}
      point={(token) => {
        hover.value = token;
      }}
      choose={(token) => session.select({ query: token, key: null })}
    />
  );
}

function Intervals({
  session,
  measure,
  hover,
  topic,
}: {
  session: Session;
  measure: Measure;
  hover: number | null;
  topic: InfluenceTopic;
}) {
  const shown = useSignal({ measure, hover });
  if (shown.peek().measure !== measure || shown.peek().hover !== hover)
    shown.value = { measure, hover };
  return (
    <div class="intervals">
      <Canvas
        label={`Effect of each position up to ${topic.position}, with intervals`}
        data-cw="intervals"
        height={() => HEIGHT}
        draw={(ctx, box) =>
          drawIntervals(ctx, box.width, shown.value.measure, shown.value.hover, session)
        }
      />
    </div>
  );
}

function drawIntervals(
  ctx: CanvasRenderingContext2D,
  width: number,
  { value, low, high, unit }: Measure,
  hover: number | null,
  session: Session,
): void {
  const theme = session.theme.value;
  const inside = {
    width: width - ROOM.left - ROOM.right,
    height: HEIGHT - ROOM.top - ROOM.bottom,
  };
  const all = [...value, ...low, ...high].filter((v): v is number => v !== null);
  const [least, most] = [Math.min(0, ...all), Math.max(0.001, ...all)];
  const y = (v: number) => ROOM.top + (1 - (v - least) / (most - least)) * inside.height;
  const x = (i: number) => ROOM.left + ((i + 0.5) / value.length) * inside.width;
  ctx.font = `11px ${theme.sans}`;
  ctx.fillStyle = theme.muted;
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  ctx.fillText(fixed(most), ROOM.left - 5, y(most) + 4);
  if (y(least) - y(0) > 14) ctx.fillText(fixed(least), ROOM.left - 5, y(least) - 4);
  ctx.fillText("0", ROOM.left - 5, y(0));
  ctx.textAlign = "left";
  ctx.fillText(`position${unit ? `, ${unit}` : ""}`, ROOM.left, HEIGHT - 7);
  ctx.fillStyle = theme.line;
  ctx.fillRect(ROOM.left, y(0), inside.width, 1);
  const table = diverging(theme);
  for (let i = 0; i < value.length; i++) {
    const v = value[i];
    if (v === null || v === undefined) continue;
    const colour = i === hover ? theme.accent : css(table, v >= 0 ? 0.9 : 0.1);
    const [from, to] = [low[i], high[i]];
    if (from !== null && to !== null && from !== undefined && to !== undefined) {
      ctx.fillStyle = theme.muted;
      ctx.globalAlpha = 0.6;
      ctx.fillRect(x(i) - 0.5, y(to), 1, Math.max(1, y(from) - y(to)));
      ctx.globalAlpha = 1;
    }
    ctx.fillStyle = colour;
    ctx.beginPath();
    ctx.arc(x(i), y(v), i === hover ? 4 : 2.5, 0, 2 * Math.PI);
    ctx.fill();
  }
}

function Outputs({ session, topic }: { session: Session; topic: InfluenceTopic }) {
  const most = Math.max(
    0.001,
    ...topic.outputs.flatMap((o) => [o.own_high ?? o.own ?? 0, o.prompt_high ?? o.prompt ?? 0]),
  );
  const bar = (value: number | null, low: number | null, high: number | null) => (
    <span class="track">
      <span class="bar" style={{ width: `${(100 * (value ?? 0)) / most}%` }} />
      {low !== null && high !== null && (
        <span
          class="interval"
          style={{
            left: `${(100 * Math.max(0, low)) / most}%`,
            width: `${(100 * (high - Math.max(0, low))) / most}%`,
          }}
        />
      )}
    </span>
  );
  return (
    <section class="hops outputs" aria-label="What the model wrote">
      <div>
        <h3>
          What the model wrote{" "}
          <span class="quiet">nats by its own earlier outputs, by the prompt</span>
        </h3>
        <div class="scroll">
          <table data-cw="outputs">
            <thead>
              <tr>
                <th scope="col">token</th>
                <th scope="col" class="number">
                  own
                </th>
                <th scope="col" />
                <th scope="col" class="number">
                  prompt
                </th>
                <th scope="col" />
              </tr>
            </thead>
            <tbody>
              {topic.outputs.map((o) => (
                <tr key={o.position}>
                  <td>
                    <span class="token">
                      {labelText(session.text.value.tokens[o.position] ?? "", 18)}
                    </span>{" "}
                    <small>{o.position}</small>
                  </td>
                  <td class="number strong">{fixed(o.own)}</td>
                  <td class="wide">{bar(o.own, o.own_low, o.own_high)}</td>
                  <td class="number strong">{fixed(o.prompt)}</td>
                  <td class="wide">{bar(o.prompt, o.prompt_low, o.prompt_high)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </div>
    </section>
  );
}

/** All pairs: sources down, the token that was read across. */
function Pairs({ session, topic }: { session: Session; topic: InfluenceTopic }) {
  const { tokens } = session.text.value;
  const n = tokens.length;
  const data = session.topic.value.data;
  const values = useComputed(() => {
    const { data } = session.topic.value;
    const count = session.text.value.tokens.length;
    return data.byteLength >= 4 * count * count ? floats(data, 0, count * count) : null;
  });
  if (!values.value || data.byteLength === 0) return null;
  const most = largest([...values.value].filter((v) => !Number.isNaN(v)));
  const name = (i: number) => labelText(tokens[i] ?? "", 16).trim();
  const next = (i: number) =>
    i === topic.position ? labelText(topic.target, 16).trim() : name(i + 1);
  return (
    <section class="hops" aria-label="All pairs">
      <div>
        <h3>
          All pairs{" "}
          <span class="quiet">token replaced, down; what is read after a token, across</span>
        </h3>
        <Heat
          session={session}
          name="pairs-matrix"
          label="Effect of each token on the next token after each position"
          n={n}
          values={values.value}
          table={diverging(session.theme.value)}
          min={-most}
          max={most}
          rows={tokens}
          cols={tokens}
          said={(row, col) => {
            const value = values.value?.[row * n + col] ?? Number.NaN;
            return Number.isNaN(value)
              ? `${name(row)} (${row}) comes after, or was not computed`
              : `${name(row)} (${row}) on “${next(col)}” after ${col}: ${fixed(value)} nats`;
          }}
        />
      </div>
    </section>
  );
}
