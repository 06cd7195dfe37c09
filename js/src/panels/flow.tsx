// Routes through the layers: positions across, layers up, one line a step; strong ones stand out.
import { useSignal, useSignalEffect } from "@preact/signals";
import type { FlowPath, FlowTopic } from "../contract.gen";
import { css } from "../draw/color";
import { chooseLabels, fitted, labelText } from "../draw/label";
import type { Session } from "../model/session";
import { Pattern } from "../views/heads/Pattern";
import { Canvas } from "./canvas";
import { Facts } from "./facts";
import { fixed } from "./number";
import { tint, useWords, Words } from "./words";

const LEFT = 34;
const FOOT = 62;
const MAX_HEIGHT = 520;

export function FlowPanel({ session, topic }: { session: Session; topic: FlowTopic }) {
  const least = useSignal(0.02);
  const chosen = useSignal(0);
  const path = topic.paths[Math.min(chosen.value, topic.paths.length - 1)];
  return (
    <>
      <section class="strip" aria-label="The text">
        <div class="strip-top">
          <h3>
            Where “{labelText(topic.target, 20).trim()}” after {topic.position} comes from
            <span class="quiet"> share of the routes that start at a token</span>
          </h3>
        </div>
        <RouteWords session={session} topic={topic} />
      </section>
      <Facts facts={topic.facts} />
      <section class="hops flow" aria-label="Routes">
        <div>
          <label class="slider">
            <span class="quiet">steps that carry at least</span>
            <input
              type="range"
              min="0.005"
              max="0.3"
              step="0.005"
              value={String(least.value)}
              aria-label="Least share of a step"
              data-cw="least"
              onInput={(event) => {
                least.value = Number(event.currentTarget.value);
              }}
            />
            <b>{fixed(least.value, 3)}</b>
          </label>
          <Graph session={session} topic={topic} least={least.value} path={path ?? null} />
        </div>
        <div>
          <h3>Strongest paths</h3>
          <ol class="paths" data-cw="paths">
            {topic.paths.map((one, i) => (
              <li key={`${one.weight} ${i}`}>
                <button
                  type="button"
                  class="pair"
                  aria-current={i === chosen.value}
                  onClick={() => {
                    chosen.value = i;
                    const step = one.steps.find(({ head }) => head !== null);
                    if (step && step.head !== null)
                      session.select({ layer: step.layer, head: step.head });
                  }}
                >
                  <b>{fixed(one.weight)}</b> {written(session, one)}
                </button>
              </li>
            ))}
          </ol>
          <Sources session={session} topic={topic} />
          {session.text.value.live && (
            <Pattern
              session={session}
              head={session.head.value}
              title="the selected head"
              stripe={null}
            />
          )}
        </div>
      </section>
    </>
  );
}

/** A path in words: only the steps that move. */
function written(session: Session, { steps }: FlowPath): string {
  const name = (i: number) => labelText(session.text.value.tokens[i] ?? "", 14).trim();
  const moves = steps.filter((step) => step.source !== step.target);
  const first = steps[0];
  if (!first) return "";
  const start = `${name(first.source)} (${first.source})`;
  if (moves.length === 0) return `${start} stays`;
  return moves.reduce(
    (text, step) =>
      `${text} –${step.head === null ? "" : `${step.layer}.${step.head}`}→ ${name(step.target)} (${step.target})`,
    start,
  );
}

function RouteWords({ session, topic }: { session: Session; topic: FlowTopic }) {
  const at = useWords(session);
  const hover = useSignal<number | null>(null);
  useSignalEffect(() => {
    at.box.value;
    const [table, theme] = [session.table.value, session.theme.value];
    const most = Math.max(0.001, ...topic.sources.map(({ route }) => route ?? 0));
    for (const [i, span] of at.spans.entries()) {
      const t = (topic.sources[i]?.route ?? 0) / most;
      tint(span, t < 0.02 ? "" : css(table, t), t > 0.5 ? theme.page : "");
      span.classList.toggle("pinned", i === topic.position);
      span.classList.toggle("here", topic.sources[i]?.confirmed ?? false);
    }
  });
  const one = hover.value === null ? null : topic.sources[hover.value];
  return (
    <>
      <Words
        at={at}
        point={(token) => {
          hover.value = token;
        }}
        choose={() => {}}
      />
      <p class="tip" data-cw="route">
        {one
          ? `${labelText(session.text.value.tokens[one.position] ?? "", 20).trim()} (${one.position}): route ${fixed(one.route)}, rollout ${fixed(one.rollout)} (baseline), knockout ${fixed(one.knockout)} nats`
          : "Framed: cutting it off costs more than cutting off a random position."}
      </p>
    </>
  );
}

function Graph({
  session,
  topic,
  least,
  path,
}: {
  session: Session;
  topic: FlowTopic;
  least: number;
  path: FlowPath | null;
}) {
  const shown = useSignal({ topic, least, path });
  const before = shown.peek();
  if (before.topic !== topic || before.least !== least || before.path !== path)
    shown.value = { topic, least, path };
  const layers = session.text.value.n_layers;
  return (
    <Canvas
      label="Routes: positions across, layers up. The list of paths has the strongest for the keyboard."
      data-cw="routes"
      height={() => Math.min(MAX_HEIGHT, 60 + layers * 44) + FOOT}
      draw={(ctx, box) => drawRoutes(ctx, box, shown.value, session)}
    />
  );
}

function drawRoutes(
  ctx: CanvasRenderingContext2D,
  box: { width: number; height: number },
  { topic, least, path }: { topic: FlowTopic; least: number; path: FlowPath | null },
  session: Session,
): void {
  const theme = session.theme.value;
  const { tokens, n_layers } = session.text.value;
  const n = topic.position + 1;
  const [top, bottom] = [10, box.height - FOOT];
  const cell = (box.width - LEFT - 8) / n;
  const x = (position: number) => LEFT + (position + 0.5) * cell;
  const y = (layer: number) => bottom - (layer / n_layers) * (bottom - top);
  ctx.font = `11px ${theme.sans}`;
  ctx.textBaseline = "middle";
  ctx.textAlign = "right";
  ctx.fillStyle = theme.muted;
  const step = Math.max(1, Math.ceil((n_layers * 14) / (bottom - top)));
  for (let layer = 0; layer <= n_layers; layer += step)
    ctx.fillText(layer === n_layers ? "out" : String(layer), LEFT - 8, y(layer));
  ctx.textAlign = "left";
  ctx.font = `10px ${theme.mono}`;
  ctx.direction = "ltr";
  for (const i of chooseLabels(0, n, cell, [topic.position, null], 11)) {
    ctx.save();
    ctx.translate(x(i), bottom + 8);
    ctx.rotate(Math.PI / 2);
    ctx.fillText(fitted(ctx, tokens[i] ?? "", FOOT - 12), 0, 0);
    ctx.restore();
  }
  const line = (from: [number, number], to: [number, number], width: number) => {
    const middle = (from[1] + to[1]) / 2;
    ctx.lineWidth = width;
    ctx.beginPath();
    ctx.moveTo(...from);
    ctx.bezierCurveTo(from[0], middle, to[0], middle, ...to);
    ctx.stroke();
  };
  ctx.lineCap = "round";
  // Strong ones last: they lie on the others.
  for (const edge of [...topic.edges].reverse()) {
    if (edge.weight < least) continue;
    ctx.strokeStyle = css(session.table.value, 0.35 + 0.65 * Math.min(1, edge.weight));
    line(
      [x(edge.source), y(edge.layer)],
      [x(edge.target), y(edge.layer + 1)],
      0.75 + 5 * edge.weight,
    );
  }
  if (!path) return;
  ctx.strokeStyle = theme.accent;
  ctx.fillStyle = theme.accent;
  ctx.font = `11px ${theme.sans}`;
  for (const edge of path.steps) {
    line([x(edge.source), y(edge.layer)], [x(edge.target), y(edge.layer + 1)], 2);
    if (edge.head === null || edge.source === edge.target) continue;
    ctx.fillText(
      `${edge.layer}.${edge.head}`,
      (x(edge.source) + x(edge.target)) / 2 + 4,
      (y(edge.layer) + y(edge.layer + 1)) / 2,
    );
  }
}

function Sources({ session, topic }: { session: Session; topic: FlowTopic }) {
  const best = topic.sources
    .filter(({ knockout }) => knockout !== null)
    .sort((a, b) => (b.route ?? 0) - (a.route ?? 0))
    .slice(0, 12);
  return (
    <table data-cw="sources">
      <thead>
        <tr>
          <th scope="col">source</th>
          <th scope="col" class="number">
            route
          </th>
          <th
            scope="col"
            class="number"
            title="Log probability of the target that is lost when the output cannot attend to it, in nats"
          >
            knockout
          </th>
          <th
            scope="col"
            class="number"
            title="Attention rollout: a baseline that knows the patterns only"
          >
            rollout (baseline)
          </th>
        </tr>
      </thead>
      <tbody>
        {best.map((source) => (
          <tr key={source.position}>
            <td>
              <span class="token">
                {labelText(session.text.value.tokens[source.position] ?? "", 16)}
              </span>{" "}
              <small>{source.position}</small>
              {source.confirmed && <small> confirmed</small>}
            </td>
            <td class="number strong">{fixed(source.route)}</td>
            <td class="number">{fixed(source.knockout)}</td>
            <td class="number">{fixed(source.rollout)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
