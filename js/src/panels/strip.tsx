// The text itself as a picture: point at a token to see where it looks, or who looks at it.
import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Desk } from "../desk";
import { drawArcs } from "../draw/arcs";
import { fit } from "../draw/canvas";
import { css } from "../draw/color";
import { labelText } from "../draw/matrix";
import { Choice } from "./choice";

const MAX_ARCS = 4;
const LEAST_ARC = 0.05;

export function StripPanel({ desk }: { desk: Desk }) {
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
          value={desk.direction.value}
          choose={(direction) => {
            desk.direction.value = direction;
          }}
        />
      </div>
      <Strip desk={desk} />
    </section>
  );
}

function Strip({ desk }: { desk: Desk }) {
  const words = useRef<HTMLDivElement>(null);
  const arcs = useRef<HTMLCanvasElement>(null);
  const spans = useRef<HTMLElement[]>([]);
  const box = useSignal(0);

  // One element a token, made once a text; afterwards only colours change.
  const text = desk.text.value;
  useEffect(() => {
    const parent = words.current;
    if (!parent) return;
    const made = text.tokens.map((token, at) => element(parent.ownerDocument, token, at));
    spans.current = made;
    // Tokens that do not carry their own spaces: a vocabulary of words.
    const apart = /\s/.test(text.prompt) && !text.tokens.some((token) => /\s/.test(token));
    parent.classList.toggle("apart", apart);
    parent.replaceChildren(
      ...made.flatMap((span, at) =>
        text.tokens[at]?.includes("\n") ? [span, document.createElement("br")] : [span],
      ),
    );
    box.value++;
  }, [text]);
  useEffect(() => {
    const parent = words.current;
    if (!parent) return;
    const observer = new ResizeObserver(() => {
      box.value++;
    });
    observer.observe(parent);
    return () => observer.disconnect();
  }, []);

  const centre = useComputed(() =>
    desk.direction.value === "from" ? desk.query.value : desk.key.value,
  );
  const values = desk.weights;
  useSignalEffect(() => {
    const [theme, table, weights] = [desk.theme.value, desk.table.value, values.value];
    const first = desk.options.first;
    box.value;
    let most = 0;
    if (weights)
      for (let i = first === "show" ? 0 : 1; i < weights.length; i++)
        if ((weights[i] ?? 0) > most) most = weights[i] ?? 0;
    const scale = desk.options.scale === "shared" ? 1 : most || 1;
    for (const [at, span] of spans.current.entries()) {
      const weight = at === 0 && first === "hide" ? 0 : (weights?.[at] ?? 0);
      const t = Math.min(1, weight / scale) * (at === 0 && first === "dim" ? 0.3 : 1);
      // Below one step of the table there is nothing to see.
      const ground = t < 0.02 ? "" : css(table, t);
      if (span.style.backgroundColor !== ground) span.style.backgroundColor = ground;
      const ink = t > 0.5 ? theme.page : "";
      if (span.style.color !== ink) span.style.color = ink;
    }
  });
  useSignalEffect(() => {
    const { query, key } = desk.cell.value;
    const [from, here] = [desk.direction.value === "from", centre.value];
    box.value;
    for (const [at, span] of spans.current.entries()) {
      span.classList.toggle("here", at === here);
      span.classList.toggle("pinned", at === (from ? query : (key ?? query)));
    }
  });
  // The pinned token stays in sight when keys move it, without moving the page.
  useSignalEffect(() => {
    const { query } = desk.cell.value;
    const parent = words.current?.parentElement;
    const span = query === null ? undefined : spans.current[query];
    if (!parent || !span || desk.hover.peek()) return;
    const [top, bottom] = [span.offsetTop, span.offsetTop + span.offsetHeight];
    if (top < parent.scrollTop) parent.scrollTop = top - 24;
    else if (bottom > parent.scrollTop + parent.clientHeight)
      parent.scrollTop = bottom - parent.clientHeight + 8;
  });
  const drawnArcs = () => {
    const canvas = arcs.current;
    const parent = words.current?.parentElement;
    const weights = values.peek();
    if (!canvas || !parent) return;
    const [width, height] = [parent.clientWidth, parent.clientHeight];
    if (width === 0) return;
    const ctx = fit(canvas, width, height);
    ctx.clearRect(0, 0, width, height);
    const here = spans.current[centre.peek()];
    if (!here || !weights) return;
    const point = (span: HTMLElement) => ({
      x: span.offsetLeft + Math.min(span.offsetWidth, 200) / 2,
      y: span.offsetTop - parent.scrollTop - 2,
    });
    const skip = desk.options.first === "show" ? -1 : 0;
    const best = [...weights.entries()]
      .filter(([at, weight]) => at !== skip && at !== centre.peek() && weight > LEAST_ARC)
      .sort((a, b) => b[1] - a[1])
      .slice(0, MAX_ARCS);
    drawArcs(
      ctx,
      best.flatMap(([at, weight]) => {
        const there = spans.current[at];
        if (!there) return [];
        const ends = [point(here), point(there)] as const;
        const [from, to] = desk.direction.peek() === "from" ? ends : [ends[1], ends[0]];
        return [{ from, to, weight }];
      }),
      desk.theme.peek(),
    );
  };
  useSignalEffect(() => {
    box.value;
    centre.value;
    values.value;
    desk.theme.value;
    desk.options;
    drawnArcs();
  });

  const tokenOf = (event: Event): number | null => {
    const at = (event.target as HTMLElement).dataset?.at;
    return at === undefined ? null : Number(at);
  };
  return (
    <div class="strip-box">
      <div
        class="strip-scroll"
        onScroll={drawnArcs}
        onMouseOver={(event) => {
          const at = tokenOf(event);
          if (at !== null) desk.hover.value = { where: "text", query: at, key: null };
        }}
        onMouseLeave={() => {
          desk.hover.value = null;
        }}
        onClick={(event) => {
          const at = tokenOf(event);
          if (at === null) return;
          desk.select(desk.direction.peek() === "from" ? { query: at, key: null } : { key: at });
        }}
      >
        <div class="words" ref={words} dir="ltr" data-cw="strip" />
      </div>
      <canvas class="arcs" ref={arcs} role="img" aria-label="The strongest links" />
    </div>
  );
}

/** A token is text, whatever it holds. */
function element(document: Document, token: string, at: number): HTMLElement {
  const span = document.createElement("span");
  span.className = "word";
  span.dataset.at = String(at);
  // Spaces are kept as they are; only what cannot be seen is given a picture.
  const lead = /^ */.exec(token)?.[0] ?? "";
  span.textContent =
    lead.length < token.length
      ? lead + labelText(token.slice(lead.length), 600)
      : labelText(token, 600);
  return span;
}
