// What a token attends to and what the model predicts after it, beside what chance would give.
import { useComputed } from "@preact/signals";
import { fixed } from "../../draw/number";
import type { Session } from "../../model/session";
import { type Bar, Lines, ROWS, Token } from "./Lines";

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
