// Which previous-token head an induction head is made with: a graph, and each pair's numbers.
import { useSignal } from "@preact/signals";
import type { Session } from "../model/session";
import { Pattern } from "../views/heads/Pattern";
import type { Pair } from "../views/induction/rows";
import { fixed } from "./number";

const ROW = 30;
const WIDTH = 220;
const NODE = 44;

export function PairsPanel({
  session,
  pairs,
  length,
  before,
}: {
  session: Session;
  pairs: Pair[] | null;
  length: number;
  before: number;
}) {
  const chosen = useSignal(0);
  if (pairs === null || pairs.length === 0)
    return (
      <section class="pairs" aria-label="Pairs">
        <h3>Pairs</h3>
        <p class="quiet" data-cw="no-pairs">
          {pairs === null
            ? "Not looked for yet."
            : "No previous-token head stands before an induction head: there is no pair."}
        </p>
      </section>
    );
  const at = Math.min(chosen.value, pairs.length - 1);
  const pair = pairs[at] as Pair;
  const choose = (i: number) => {
    chosen.value = i;
    const [layer, head] = (pairs[i] as Pair).receiver;
    session.select({ layer, head });
  };
  return (
    <section class="pairs" aria-label="Pairs">
      <h3>
        Pairs <span class="quiet">previous-token head → induction head, by its keys</span>
      </h3>
      <div class="pairs-top">
        <Graph pairs={pairs} chosen={at} choose={choose} />
        <PairList pairs={pairs} chosen={at} choose={choose} />
      </div>
      <div class="two">
        <Pattern
          session={session}
          head={pair.sender}
          title="looks one back"
          stripe={{ back: 1, first: before + 1 }}
        />
        <Pattern
          session={session}
          head={pair.receiver}
          title="looks after the earlier copy"
          stripe={{ back: length - 1, first: before + length }}
        />
      </div>
    </section>
  );
}

interface Choosing {
  pairs: Pair[];
  chosen: number;
  choose: (i: number) => void;
}

const named = ([layer, head]: readonly [number, number]) => `${layer}.${head}`;

/** Width of a line: how much of the induction head's attention hangs on it. */
function Graph({ pairs, chosen, choose }: Choosing) {
  const senders = [...new Set(pairs.map((pair) => named(pair.sender)))];
  const receivers = [...new Set(pairs.map((pair) => named(pair.receiver)))];
  const rows = Math.max(senders.length, receivers.length);
  const y = (i: number, of: string[]) => ((i + 0.5) * rows * ROW) / of.length;
  return (
    <svg
      class="pair-graph"
      width={WIDTH}
      height={rows * ROW}
      viewBox={`0 0 ${WIDTH} ${rows * ROW}`}
      role="img"
      aria-label="Pairs as lines; the list beside has the same for the keyboard."
    >
      {pairs.map((pair, i) => {
        const from = y(senders.indexOf(named(pair.sender)), senders);
        const to = y(receivers.indexOf(named(pair.receiver)), receivers);
        const middle = WIDTH / 2;
        return (
          <path
            key={`${pair.sender} ${pair.receiver}`}
            class={`link ${pair.confirmed ? "" : "unconfirmed"}`}
            data-chosen={i === chosen}
            d={`M${NODE},${from} C${middle},${from} ${middle},${to} ${WIDTH - NODE},${to}`}
            stroke-width={1 + 5 * Math.max(0, Math.min(1, pair.path ?? 0))}
            onClick={() => choose(i)}
          >
            <title>{`${named(pair.sender)} → ${named(pair.receiver)}: ${fixed(pair.path)}`}</title>
          </path>
        );
      })}
      {senders.map((name, i) => (
        <text key={name} x={NODE - 6} y={y(i, senders)} text-anchor="end">
          {name}
        </text>
      ))}
      {receivers.map((name, i) => (
        <text key={name} x={WIDTH - NODE + 6} y={y(i, receivers)}>
          {name}
        </text>
      ))}
    </svg>
  );
}

function PairList({ pairs, chosen, choose }: Choosing) {
  return (
    <table class="pair-list" data-cw="pairs">
      <thead>
        <tr>
          <th scope="col">pair</th>
          <th
            scope="col"
            class="number"
            title="How much prefix matching falls when the induction head hears the other head's mean through its keys alone"
          >
            path
          </th>
          <th
            scope="col"
            class="number"
            title="The same of random senders: their mean, and below what one of them would be"
          >
            null
          </th>
          <th
            scope="col"
            class="number"
            title="Composition in the weights, in standard deviations from rotated weights"
          >
            K z
          </th>
          <th scope="col" class="number">
            Q z
          </th>
          <th scope="col" class="number">
            V z
          </th>
        </tr>
      </thead>
      <tbody>
        {pairs.map((pair, i) => (
          <tr key={`${pair.sender} ${pair.receiver}`} data-confirmed={pair.confirmed}>
            <td>
              <button
                type="button"
                class="pair"
                aria-current={i === chosen}
                onClick={() => choose(i)}
              >
                {named(pair.sender)} → {named(pair.receiver)}
              </button>
              {!pair.confirmed && <small> not confirmed</small>}
            </td>
            <td class="number strong">
              {fixed(pair.path)}
              {pair.low !== null && pair.high !== null && (
                <small> ±{fixed((pair.high - pair.low) / 2)}</small>
              )}
            </td>
            <td class="number">
              {fixed(pair.null)}
              {pair.null_high !== null && <small> to {fixed(pair.null_high)}</small>}
            </td>
            <td class="number">{fixed(pair.k_z, 1)}</td>
            <td class="number">{fixed(pair.q_z, 1)}</td>
            <td class="number">{fixed(pair.v_z, 1)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
