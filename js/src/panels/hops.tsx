// Induction through a text: point at a token that stood earlier to see both hops, and the numbers.
import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { drawArcs } from "../draw/arcs";
import { css } from "../draw/color";
import { labelText } from "../draw/label";
import type { Session } from "../model/session";
import { Pattern } from "../views/heads/Pattern";
import type { InductionTopic, Repeat } from "../views/induction/rows";
import { fixed } from "./number";
import { overWords, tint, useWords, Words } from "./words";

const named = ([layer, head]: readonly [number, number]) => `${layer}.${head}`;

export function HopsPanel({ session, topic }: { session: Session; topic: InductionTopic }) {
  // The token at which the first head looks back most shows best what is meant.
  const best = useSignal(
    strongest(topic.repeats.map((repeat) => repeat.attention[0] ?? null)) ?? 0,
  );
  const hover = useSignal<number | null>(null);
  const head = useSignal(0);
  const of = new Map(topic.repeats.map((repeat, i) => [repeat.position, i]));
  const at = hover.value ?? best.value;
  const here = topic.repeats[Math.min(at, topic.repeats.length - 1)];
  const h = Math.min(head.value, topic.heads.length - 1);
  const hop = strongest(here?.first_hop ?? []);
  if (!here || !topic.heads[h]) return null;
  return (
    <>
      <section class="strip" aria-label="The text">
        <div class="strip-top">
          <h3>
            Both hops of {named(topic.heads[h])}
            <span class="quiet"> point at a shaded token: it stood earlier</span>
          </h3>
        </div>
        <HopWords
          session={session}
          topic={topic}
          head={h}
          here={here}
          point={(token) => {
            hover.value = token === null ? null : (of.get(token) ?? null);
          }}
          choose={(token) => {
            const i = of.get(token);
            if (i !== undefined) best.value = i;
          }}
        />
        <p class="said" data-cw="hop">
          {hopText(session, topic, here, h, hop)}
        </p>
      </section>
      <section class="hops" aria-label="Repeated tokens">
        <Table
          session={session}
          topic={topic}
          head={h}
          chosen={at}
          choose={(i) => {
            best.value = i;
          }}
          chooseHead={(i) => {
            head.value = i;
            const [layer, index] = topic.heads[i] as [number, number];
            session.select({ layer, head: index });
          }}
        />
        <div class="two">
          {hop !== null && topic.previous[hop] && (
            <Pattern
              session={session}
              head={topic.previous[hop]}
              title="first hop: one back"
              stripe={{ back: 1, first: 1 }}
            />
          )}
          <Pattern
            session={session}
            head={topic.heads[h]}
            title="second hop: after the earlier one"
            stripe={null}
          />
        </div>
      </section>
    </>
  );
}

function strongest(values: (number | null)[]): number | null {
  let best: number | null = null;
  for (const [i, value] of values.entries())
    if (value !== null && (best === null || value > (values[best] ?? 0))) best = i;
  return best;
}

function hopText(
  session: Session,
  topic: InductionTopic,
  here: Repeat,
  h: number,
  hop: number | null,
): string {
  const name = (i: number) => labelText(session.text.value.tokens[i] ?? "", 20).trim();
  const then = here.earlier + 1;
  const first =
    hop === null
      ? ""
      : ` At ${then}, ${named(topic.previous[hop] as [number, number])} looked one back: ${fixed(here.first_hop[hop])}.`;
  return `“${name(here.position)}” at ${here.position} stood at ${here.earlier}, before “${name(then)}”: ${named(topic.heads[h] as [number, number])} looks there ${fixed(here.attention[h])} (chance ${fixed(here.chance)}) and adds ${fixed(here.added[h])} to its logit (others ${fixed(here.added_chance[h])}).${first}`;
}

function HopWords({
  session,
  topic,
  head,
  here,
  point,
  choose,
}: {
  session: Session;
  topic: InductionTopic;
  head: number;
  here: Repeat;
  point: (token: number | null) => void;
  choose: (token: number) => void;
}) {
  const at = useWords(session);
  const shown = useSignal({ topic, head, here });
  if (shown.peek().topic !== topic || shown.peek().head !== head || shown.peek().here !== here)
    shown.value = { topic, head, here };
  useSignalEffect(() => {
    at.box.value;
    const [table, theme] = [session.table.value, session.theme.value];
    const { topic, head, here } = shown.value;
    const weights = new Map(topic.repeats.map((r) => [r.position, r.attention[head] ?? 0]));
    for (const [i, span] of at.spans.entries()) {
      const weight = weights.get(i);
      // Even one that gets nothing is seen to have stood earlier.
      const t = weight === undefined ? 0 : 0.08 + 0.92 * weight;
      tint(span, t === 0 ? "" : css(table, t), t > 0.5 ? theme.page : "");
      span.classList.toggle("pinned", i === here.position);
      span.classList.toggle("here", i === here.earlier || i === here.earlier + 1);
    }
  });
  const drawn = useComputed(() => shown.value);
  const draw = () => {
    const over = overWords(at);
    const { head, here } = drawn.peek();
    if (!over) return;
    const [q, then, p] = [here.position, here.earlier + 1, here.earlier].map(over.point);
    if (!q || !then || !p) return;
    const hop = strongest(here.first_hop);
    drawArcs(
      over.ctx,
      [
        { from: q, to: then, weight: here.attention[head] ?? 0 },
        { from: then, to: p, weight: hop === null ? 0 : (here.first_hop[hop] ?? 0) },
      ],
      session.theme.peek(),
    );
  };
  useSignalEffect(() => {
    at.box.value;
    drawn.value;
    session.theme.value;
    draw();
  });
  return <Words at={at} scrolled={draw} point={point} choose={choose} />;
}

function Table({
  session,
  topic,
  head,
  chosen,
  choose,
  chooseHead,
}: {
  session: Session;
  topic: InductionTopic;
  head: number;
  chosen: number;
  choose: (i: number) => void;
  chooseHead: (i: number) => void;
}) {
  const name = (i: number) => labelText(session.text.value.tokens[i] ?? "", 18).trim();
  return (
    <div class="repeats">
      <select
        class="score"
        aria-label="Induction head"
        value={String(head)}
        onChange={(event) => chooseHead(Number(event.currentTarget.value))}
      >
        {topic.heads.map((at, i) => (
          <option key={named(at)} value={String(i)}>
            {named(at)}
          </option>
        ))}
      </select>
      <div class="scroll">
        <table data-cw="repeats">
          <thead>
            <tr>
              <th scope="col">token</th>
              <th scope="col">then</th>
              <th scope="col" class="number">
                attention
              </th>
              <th
                scope="col"
                class="number"
                title="To the logit of the token that followed then; in small, to other tokens of the text"
              >
                adds
              </th>
              <th
                scope="col"
                class="number"
                title="The model's probability of the token that followed then; bold where it is its first choice"
              >
                p
              </th>
              <th scope="col">follows</th>
            </tr>
          </thead>
          <tbody>
            {topic.repeats.map((repeat, i) => (
              <tr key={repeat.position}>
                <td>
                  <button
                    type="button"
                    class="pair"
                    aria-current={i === chosen}
                    onClick={() => choose(i)}
                    onFocus={() => choose(i)}
                  >
                    {name(repeat.position)} <small>{repeat.position}</small>
                  </button>
                </td>
                <td>
                  {name(repeat.earlier + 1)} <small>{repeat.earlier + 1}</small>
                </td>
                <td class="number strong">
                  {fixed(repeat.attention[head])} <small>{fixed(repeat.chance)}</small>
                </td>
                <td class="number strong">
                  {fixed(repeat.added[head])} <small>{fixed(repeat.added_chance[head])}</small>
                </td>
                <td class={repeat.predicted ? "number strong" : "number"}>
                  {fixed(repeat.probability)}
                </td>
                <td>{repeat.follows ? "yes" : "no"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
