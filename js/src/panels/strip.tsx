// The text itself as a picture: point at a token to see where it looks, or who looks at it.
import { useComputed, useSignalEffect } from "@preact/signals";
import { drawArcs } from "../draw/arcs";
import { css } from "../draw/color";
import type { Session } from "../model/session";
import { Choice } from "./choice";
import { overWords, tint, useWords, Words } from "./words";

const MAX_ARCS = 4;
const LEAST_ARC = 0.05;

export function StripPanel({ session }: { session: Session }) {
  return (
    <section class="strip" aria-label="The text">
      <div class="strip-top">
        <h3>Text</h3>
        <Choice
          label="Direction"
          options={[
            { value: "from", label: "looks at" },
            { value: "to", label: "is looked at by" },
          ]}
          value={session.direction.value}
          choose={(direction) => {
            session.direction.value = direction;
          }}
        />
      </div>
      <Strip session={session} />
    </section>
  );
}

function Strip({ session }: { session: Session }) {
  const at = useWords(session);

  const centre = useComputed(() =>
    session.direction.value === "from" ? session.query.value : session.key.value,
  );
  const values = session.weights;
  useSignalEffect(() => {
    const [theme, table, weights] = [session.theme.value, session.table.value, values.value];
    const first = session.params.choice("first").value;
    at.box.value;
    let most = 0;
    if (weights)
      for (let i = first === "show" ? 0 : 1; i < weights.length; i++)
        if ((weights[i] ?? 0) > most) most = weights[i] ?? 0;
    const scale = session.params.choice("scale").value === "shared" ? 1 : most || 1;
    for (const [i, span] of at.spans.entries()) {
      const weight = i === 0 && first === "hide" ? 0 : (weights?.[i] ?? 0);
      const t = Math.min(1, weight / scale) * (i === 0 && first === "dim" ? 0.3 : 1);
      // Below one step of the table there is nothing to see.
      tint(span, t < 0.02 ? "" : css(table, t), t > 0.5 ? theme.page : "");
    }
  });
  useSignalEffect(() => {
    const { query, key } = session.cell.value;
    const [from, here] = [session.direction.value === "from", centre.value];
    at.box.value;
    for (const [i, span] of at.spans.entries()) {
      span.classList.toggle("here", i === here);
      span.classList.toggle("pinned", i === (from ? query : (key ?? query)));
    }
  });
  // The pinned token stays in sight when keys move it, without moving the page.
  useSignalEffect(() => {
    const { query } = session.cell.value;
    const parent = at.words.current?.parentElement;
    const span = query === null ? undefined : at.spans[query];
    if (!parent || !span || session.hover.peek()) return;
    const [top, bottom] = [span.offsetTop, span.offsetTop + span.offsetHeight];
    if (top < parent.scrollTop) parent.scrollTop = top - 24;
    else if (bottom > parent.scrollTop + parent.clientHeight)
      parent.scrollTop = bottom - parent.clientHeight + 8;
  });
  const drawnArcs = () => {
    const weights = values.peek();
    const over = overWords(at);
    if (!over) return;
    const here = over.point(centre.peek());
    if (!here || !weights) return;
    const skip = session.params.choice("first").value === "show" ? -1 : 0;
    const best = [...weights.entries()]
      .filter(([token, weight]) => token !== skip && token !== centre.peek() && weight > LEAST_ARC)
      .sort((a, b) => b[1] - a[1])
      .slice(0, MAX_ARCS);
    drawArcs(
      over.ctx,
      best.flatMap(([token, weight]) => {
        const there = over.point(token);
        if (!there) return [];
        const [from, to] = session.direction.peek() === "from" ? [here, there] : [there, here];
        return [{ from, to, weight }];
      }),
      session.theme.peek(),
    );
  };
  useSignalEffect(() => {
    at.box.value;
    centre.value;
    values.value;
    session.theme.value;
    session.params.choice("first").value;
    drawnArcs();
  });

  return (
    <Words
      at={at}
      scrolled={drawnArcs}
      point={(token) => {
        session.hover.value = token === null ? null : { where: "text", query: token, key: null };
      }}
      choose={(token) =>
        session.select(
          session.direction.peek() === "from" ? { query: token, key: null } : { key: token },
        )
      }
    />
  );
}
