// What a token attends to and what the model predicts after it, beside what chance would give.
import { useComputed } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { labelText } from "../../draw/label";
import { fixed } from "../../draw/number";
import type { Session } from "../../model/session";

const ROWS = 6;

interface Bar {
  token: string;
  at: number | null;
  value: number;
}

export function Bars({ session }: { session: Session }) {
  return (
    <>
      <Attends session={session} />
      <Predictions session={session} />
    </>
  );
}

function Attends({ session }: { session: Session }) {
  const from = session.direction.value === "from";
  const { tokens } = session.text.value;
  const at = from ? session.query.value : session.key.value;
  const bars = useComputed<Bar[]>(() => {
    const all = session.text.value.tokens;
    const values = session.weights.value;
    return strongest(values, ROWS).map((i) => ({
      token: all[i] ?? "",
      at: i,
      value: values?.[i] ?? 0,
    }));
  });
  return (
    <div>
      <h3 data-cw="looks-title">
        “<Token text={tokens[at] ?? ""} />” <span class="quiet">(position {at})</span>{" "}
        {from ? "attends to" : "is attended to by"}
      </h3>
      <Lines
        bars={bars.value}
        chance={from ? 1 / (at + 1) : null}
        choose={(i) => session.select(from ? { query: at, key: i } : { query: i, key: at })}
        name="looks"
      />
    </div>
  );
}

function Predictions({ session }: { session: Session }) {
  const reply = useComputed(() => {
    const tiles = session.tiles.value;
    tiles.arrived.value;
    return tiles.next(session.query.value);
  });
  const shown = reply.value;
  const bars = (shown?.tokens ?? [])
    .slice(0, ROWS)
    .map(({ token, probability }) => ({ token, at: null, value: probability }));
  return (
    <div>
      <h3>Next-token predictions</h3>
      <Lines bars={bars} chance={null} name="expects" />
      <p class="actual quiet" data-cw="actual">
        {shown?.actual ? (
          <>
            Actual next token: “<Token text={shown.actual.token} />” (p ={" "}
            {fixed(shown.actual.probability, shown.actual.probability < 0.01 ? 4 : 2)})
          </>
        ) : (
          "\u00a0"
        )}
      </p>
    </div>
  );
}

function strongest(values: Float32Array | null, count: number): number[] {
  if (!values) return [];
  const best: number[] = [];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? Number.NaN;
    if (Number.isNaN(value)) continue;
    const last = best[best.length - 1];
    if (best.length === count && last !== undefined && value <= (values[last] ?? 0)) continue;
    const place = best.findIndex((j) => (values[j] ?? 0) < value);
    best.splice(place < 0 ? best.length : place, 0, i);
    if (best.length > count) best.pop();
  }
  return best;
}

interface LinesProps {
  bars: Bar[];
  chance: number | null;
  name: string;
  choose?: (at: number) => void;
}

/** Always the same number of lines, so that nothing below moves. */
function Lines({ bars, chance, name, choose }: LinesProps) {
  return (
    <ol class="list" data-cw={name}>
      {Array.from({ length: ROWS }, (_, i) => {
        const bar = bars[i];
        return (
          <li key={i}>
            {bar && (
              <Line bar={bar} choose={choose}>
                <span class="track">
                  <span class="bar" style={{ width: `${Math.min(1, bar.value) * 100}%` }} />
                  {chance !== null && (
                    <span
                      class="chance"
                      style={{ left: `${chance * 100}%` }}
                      title={`chance: ${fixed(chance)}, the same to every token`}
                    />
                  )}
                </span>
                <span class="number">{fixed(bar.value)}</span>
              </Line>
            )}
          </li>
        );
      })}
    </ol>
  );
}

interface LineProps {
  bar: Bar;
  choose: ((at: number) => void) | undefined;
  children: ComponentChildren;
}

function Line({ bar, choose, children }: LineProps) {
  const { at } = bar;
  const content = (
    <>
      <Token text={bar.token} />
      {children}
    </>
  );
  if (at === null || !choose) return <span class="line">{content}</span>;
  return (
    <button type="button" class="line" title={`position ${at}`} onClick={() => choose(at)}>
      {content}
    </button>
  );
}

export function Token({ text }: { text: string }) {
  return (
    <code class="token" title={text.length > 16 ? text.slice(0, 600) : undefined}>
      {labelText(text, 16)}
    </code>
  );
}
