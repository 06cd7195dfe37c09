// Which heads work together: the clustered matrix, a graph of the sure pairs, and how they do it.
import { useComputed, useSignal } from "@preact/signals";
import type { Coordinated, CoordinationTopic } from "../contract.gen";
import { diverging } from "../draw/color";
import type { HeadAt } from "../model/address";
import type { Session } from "../model/session";
import { Pattern } from "../views/heads/Pattern";
import { floats } from "../wire/client";
import { Heat } from "./heat";
import { fixed } from "./number";

const MARKS: Record<string, string> = {
  serial: "→",
  parallel: "=",
  aggregation: "+",
  unclear: "?",
};
const EDGES = 60;
const named = ([layer, head]: readonly [number, number]) => `${layer}.${head}`;

export function TogetherPanel({ session, topic }: { session: Session; topic: CoordinationTopic }) {
  const chosen = useSignal<[HeadAt, HeadAt] | null>(null);
  const planes = useComputed(() => {
    const { info, data } = session.topic.value;
    if (info?.kind !== "coordination") return null;
    const n = info.heads.length;
    if (data.byteLength < 8 * n * n) return null;
    const [value, q] = [floats(data, 0, n * n), floats(data, 4 * n * n, n * n)];
    const sorted = (plane: Float32Array) =>
      Float32Array.from({ length: n * n }, (_, i) => {
        const [row, col] = [info.order[Math.floor(i / n)] ?? 0, info.order[i % n] ?? 0];
        return plane[row * n + col] ?? Number.NaN;
      });
    return { n, value: sorted(value), q: sorted(q), order: info.order };
  });
  const shown = planes.value;
  if (!shown) return null;
  const { n, value, q, order } = shown;
  const heads = order.map((i) => topic.heads[i] as HeadAt);
  const names = heads.map(named);
  const first = topic.pairs[0];
  const pair = chosen.value ?? (first ? [first.a, first.b] : null);
  const choose = (a: HeadAt, b: HeadAt) => {
    chosen.value = [a, b];
    session.select({ layer: a[0], head: a[1] });
  };
  const marks = new Map<number, string>();
  for (const found of topic.pairs) {
    const [i, j] = [names.indexOf(named(found.a)), names.indexOf(named(found.b))];
    for (const at of [i * n + j, j * n + i]) marks.set(at, MARKS[found.type] ?? "?");
  }
  return (
    <>
      <section class="hops together" aria-label="Matrix of heads">
        <div>
          <h3>
            {topic.method} <span class="quiet">heads that are alike stand together</span>
          </h3>
          <Heat
            session={session}
            name="heads-matrix"
            label="How alike heads are, clustered. The list of pairs has the strongest for the keyboard."
            n={n}
            values={value}
            table={topic.signed ? diverging(session.theme.value) : session.table.value}
            min={topic.signed ? -1 : 0}
            max={1}
            rows={names}
            cols={names}
            marks={marks}
            said={(row, col) => {
              const at = row * n + col;
              if (Number.isNaN(value[at] ?? Number.NaN))
                return row === col ? `${names[row]} with itself` : "nothing to compare";
              const sure = (q[at] ?? 1) < topic.fdr ? "significant" : "not significant";
              return `${names[row]} and ${names[col]}: ${fixed(value[at])}, q ${small(q[at])}, ${sure}`;
            }}
            choose={(row, col) => {
              if (row !== col) choose(heads[row] as HeadAt, heads[col] as HeadAt);
            }}
          />
          <p class="quiet">
            {Object.entries(MARKS)
              .map(([type, mark]) => `${mark} ${type}`)
              .join("   ")}
          </p>
        </div>
        <div>
          <Graph
            session={session}
            topic={topic}
            n={n}
            value={value}
            q={q}
            heads={heads}
            choose={choose}
          />
          <Pairs topic={topic} pair={pair} choose={choose} />
        </div>
      </section>
      {pair && session.text.value.tokens.length > 0 && (
        <section class="pairs" aria-label="Both heads">
          <div class="two">
            <Pattern session={session} head={pair[0]} title="on the first prompt" stripe={null} />
            <Pattern session={session} head={pair[1]} title="on the first prompt " stripe={null} />
          </div>
        </section>
      )}
    </>
  );
}

function small(q: number | undefined): string {
  if (q === undefined || Number.isNaN(q)) return "–";
  return q > 0 && q < 0.001 ? q.toExponential(0).replace("-", "−") : fixed(q, 3);
}

/** Heads where they stand in the model, and the sure pairs between them. */
function Graph({
  session,
  topic,
  n,
  value,
  q,
  heads,
  choose,
}: {
  session: Session;
  topic: CoordinationTopic;
  n: number;
  value: Float32Array;
  q: Float32Array;
  heads: HeadAt[];
  choose: (a: HeadAt, b: HeadAt) => void;
}) {
  const { n_layers, n_heads } = session.text.value;
  const layers = [...new Set(heads.map(([layer]) => layer))].sort((a, b) => a - b);
  const [width, row] = [340, Math.max(14, Math.min(34, 300 / Math.max(1, layers.length)))];
  const height = layers.length * row + 24;
  const x = (head: number) => 34 + ((head + 0.5) / n_heads) * (width - 44);
  const y = (layer: number) => 12 + (layers.indexOf(layer) + 0.5) * row;
  const edges: { i: number; j: number; value: number }[] = [];
  for (let i = 0; i < n; i++)
    for (let j = i + 1; j < n; j++)
      if ((q[i * n + j] ?? 1) < topic.fdr) edges.push({ i, j, value: value[i * n + j] ?? 0 });
  edges.sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const drawn = edges.slice(0, EDGES);
  const one = layers.length === 1;
  return (
    <>
      <h3>
        Sure pairs{" "}
        <span class="quiet" data-cw="sure">
          {edges.length} with q below {topic.fdr}
          {edges.length > EDGES ? `, the ${EDGES} strongest drawn` : ""}
          {edges.some((edge) => edge.value < 0) ? "; dashed: below 0" : ""}
        </span>
      </h3>
      <svg
        class="pair-graph"
        width={width}
        height={one ? 120 : height}
        viewBox={`0 0 ${width} ${one ? 120 : height}`}
        role="img"
        aria-label={`Significant pairs of ${n_layers} layers`}
      >
        {drawn.map(({ i, j, value }) => {
          const [a, b] = [heads[i] as HeadAt, heads[j] as HeadAt];
          const same = a[0] === b[0];
          const [x1, y1, x2, y2] = [x(a[1]), one ? 90 : y(a[0]), x(b[1]), one ? 90 : y(b[0])];
          const bend = same ? Math.min(70, 10 + Math.abs(x2 - x1) * 0.35) : 0;
          const middle = (y1 + y2) / 2 - bend;
          return (
            <path
              key={`${a} ${b}`}
              class="link"
              data-negative={value < 0}
              d={`M${x1},${y1} Q${(x1 + x2) / 2},${middle} ${x2},${y2}`}
              stroke-width={0.75 + 3 * Math.abs(value)}
              onClick={() => choose(a, b)}
            >
              <title>{`${named(a)} and ${named(b)}: ${fixed(value)}`}</title>
            </path>
          );
        })}
        {heads.map((at) => (
          <circle key={named(at)} class="node" cx={x(at[1])} cy={one ? 90 : y(at[0])} r={2.5} />
        ))}
        {layers.map((layer) => (
          <text key={layer} x={24} y={one ? 90 : y(layer)} text-anchor="end">
            {layer}
          </text>
        ))}
      </svg>
    </>
  );
}

function Pairs({
  topic,
  pair,
  choose,
}: {
  topic: CoordinationTopic;
  pair: [HeadAt, HeadAt] | null;
  choose: (a: HeadAt, b: HeadAt) => void;
}) {
  if (topic.pairs.length === 0)
    return (
      <p class="quiet" data-cw="no-pairs">
        No pair has been typed: none is significant, or none was asked for yet.
      </p>
    );
  return (
    <table class="pair-list" data-cw="coordinated">
      <thead>
        <tr>
          <th scope="col">pair</th>
          <th scope="col">type</th>
          <th scope="col" class="number">
            value
          </th>
          <th
            scope="col"
            class="number"
            title="How much the metric falls if the second head alone hears the first one's mean; in small its interval"
          >
            path
          </th>
          <th
            scope="col"
            class="number"
            title="What both ablations together cost more than one by one: above 0 they back each other up"
          >
            interaction
          </th>
        </tr>
      </thead>
      <tbody>
        {topic.pairs.map((found) => (
          <Row key={`${found.a} ${found.b}`} found={found} pair={pair} choose={choose} />
        ))}
      </tbody>
    </table>
  );
}

function Row({
  found,
  pair,
  choose,
}: {
  found: Coordinated;
  pair: [HeadAt, HeadAt] | null;
  choose: (a: HeadAt, b: HeadAt) => void;
}) {
  const current = pair && named(pair[0]) === named(found.a) && named(pair[1]) === named(found.b);
  const span = (low: number | null, high: number | null) =>
    low === null || high === null ? "" : ` ${fixed(low)} to ${fixed(high)}`;
  return (
    <tr>
      <td>
        <button
          type="button"
          class="pair"
          aria-current={current ?? false}
          onClick={() => choose(found.a, found.b)}
        >
          {named(found.a)} {MARKS[found.type] ?? "?"} {named(found.b)}
        </button>
      </td>
      <td>
        {found.type}
        {found.sign && <small> {found.sign}</small>}
      </td>
      <td class="number strong">
        {fixed(found.value)} <small>q {small(found.q ?? undefined)}</small>
      </td>
      <td class="number">
        {fixed(found.path)}
        <small>{span(found.path_low, found.path_high)}</small>
      </td>
      <td class="number">
        {fixed(found.interaction)}
        <small>{span(found.interaction_low, found.interaction_high)}</small>
      </td>
    </tr>
  );
}
