// The text itself as a picture: point at a token to see what it attends to, or what attends to it.
import { useComputed, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Session } from "../../model/session";
import { Choice } from "../../parts/Choice";
import { type WordArc, Words, type WordsLook } from "../../parts/Words";

const MAX_ARCS = 4;
const LEAST_ARC = 0.05;

export function Text({ session }: { session: Session }) {
  return (
    <>
      <div class="strip-top">
        <h3>Text</h3>
        <Choice
          label="Direction"
          options={[
            { value: "from", label: "attends to" },
            { value: "to", label: "attended to by" },
          ]}
          value={session.direction.value}
          choose={(direction) => {
            session.direction.value = direction;
          }}
        />
      </div>
      <Strip session={session} />
    </>
  );
}

function Strip({ session }: { session: Session }) {
  const { tokens, prompt } = session.text.value;
  const first = session.params.choice("first");
  const centre = useComputed(() =>
    session.direction.value === "from" ? session.query.value : session.key.value,
  );
  // The matrix's colours: what is dark there is dark here, the first token too unless it is hidden.
  const look = useComputed<WordsLook>(() => {
    const [weights, tile] = [session.weights.value, session.picture.value];
    const most = tile ? session.vmax(tile) : 1;
    const ground = Float32Array.from(weights ?? [], (weight) => Math.min(1, weight / most));
    if (first.value === "hide" && ground.length > 0) ground[0] = 0;
    const { query, key } = session.cell.value;
    const pinned = session.direction.value === "from" ? query : (key ?? query);
    const here = centre.value;
    return {
      ground,
      signed: false,
      marks: { here: (token) => token === here, pinned: (token) => token === pinned },
    };
  });
  const arcs = useComputed<WordArc[]>(() => {
    const skip = first.value === "show" ? -1 : 0;
    const here = centre.value;
    const best = strongest(session.weights.value, (token) => token !== skip && token !== here);
    const from = session.direction.value === "from";
    return best.map(([token, weight]) =>
      from ? { from: here, to: token, weight } : { from: token, to: here, weight },
    );
  });
  const at = useComputed(() =>
    session.hover.value?.where === "text" ? session.hover.value.query : null,
  );
  const box = useRef<HTMLDivElement>(null);
  useInSight(session, box);
  return (
    <div class="text-box" ref={box}>
      <Words
        tokens={tokens}
        prompt={prompt}
        theme={session.theme}
        look={look}
        arcs={arcs}
        at={at}
        point={(token) => {
          session.hover.value = token === null ? null : { where: "text", query: token, key: null };
        }}
        choose={(token) => {
          const from = session.direction.peek() === "from";
          session.select(from ? { query: token, key: null } : { key: token }, "text");
        }}
      />
    </div>
  );
}

/** The few largest weights, with their tokens. */
function strongest(
  weights: Float32Array | null,
  counts: (token: number) => boolean,
): [token: number, weight: number][] {
  const best: [number, number][] = [];
  for (let token = 0; token < (weights?.length ?? 0); token++) {
    const weight = weights?.[token] ?? 0;
    if (!(weight > LEAST_ARC) || !counts(token)) continue;
    best.push([token, weight]);
  }
  return best.sort((a, b) => b[1] - a[1]).slice(0, MAX_ARCS);
}

/** The pinned token stays in sight when keys move it, without moving the page. */
function useInSight(session: Session, box: { current: HTMLElement | null }): void {
  useSignalEffect(() => {
    const { query } = session.cell.value;
    const parent = box.current?.querySelector<HTMLElement>(".strip-scroll");
    if (query === null || !parent || session.hover.peek()) return;
    const words = [...parent.querySelectorAll<HTMLElement>(".word")];
    const span = words.filter((word) => Number(word.dataset.at) <= query).pop();
    if (!span) return;
    const [top, bottom] = [span.offsetTop, span.offsetTop + span.offsetHeight];
    if (top < parent.scrollTop + 24) parent.scrollTop = top - 24;
    else if (bottom > parent.scrollTop + parent.clientHeight)
      parent.scrollTop = bottom - parent.clientHeight + 8;
  });
}
