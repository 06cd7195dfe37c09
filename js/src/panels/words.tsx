// The text as words: one element a token, made once a text; afterwards only their looks change.
import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Point } from "../draw/arcs";
import { fit } from "../draw/canvas";
import { labelText } from "../draw/label";
import type { Session } from "../model/session";

export interface WordsAt {
  /** The tokens' elements, in order. */
  spans: HTMLElement[];
  words: RefObject<HTMLDivElement | null>;
  arcs: RefObject<HTMLCanvasElement | null>;
  /** Counts changes of the layout: read it to be drawn again. */
  box: Signal<number>;
}

/** Elements for the tokens of a session's text; give it to `Words`. */
export function useWords(session: Session): WordsAt {
  const words = useRef<HTMLDivElement>(null);
  const arcs = useRef<HTMLCanvasElement>(null);
  const box = useSignal(0);
  const at = useRef<WordsAt>({ spans: [], words, arcs, box });
  const text = session.text.value;
  useEffect(() => {
    const parent = words.current;
    if (!parent) return;
    const made = text.tokens.map((token, i) => element(parent.ownerDocument, token, i));
    at.current.spans = made;
    // Tokens that do not carry their own spaces: a vocabulary of words.
    const apart = /\s/.test(text.prompt) && !text.tokens.some((token) => /\s/.test(token));
    parent.classList.toggle("apart", apart);
    parent.replaceChildren(
      ...made.flatMap((span, i) =>
        text.tokens[i]?.includes("\n") ? [span, document.createElement("br")] : [span],
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
  return at.current;
}

interface Props {
  at: WordsAt;
  /** A token is pointed at, or none. */
  point: (token: number | null) => void;
  choose: (token: number) => void;
  scrolled?: () => void;
  children?: ComponentChildren;
}

export function Words({ at, point, choose, scrolled, children }: Props) {
  const tokenOf = (event: Event): number | null => {
    const token = (event.target as HTMLElement).dataset?.at;
    return token === undefined ? null : Number(token);
  };
  return (
    <div class="strip-box">
      <div
        class="strip-scroll"
        onScroll={scrolled}
        onMouseOver={(event) => {
          const token = tokenOf(event);
          if (token !== null) point(token);
        }}
        onMouseLeave={() => point(null)}
        onClick={(event) => {
          const token = tokenOf(event);
          if (token !== null) choose(token);
        }}
      >
        <div class="words" ref={at.words} dir="ltr" data-cw="strip" />
      </div>
      <canvas class="arcs" ref={at.arcs} role="img" aria-label="The strongest links" />
      {children}
    </div>
  );
}

/** A clear canvas over the words, and where each token's top edge is on it. */
export function overWords({ spans, words, arcs }: WordsAt) {
  const parent = words.current?.parentElement;
  if (!arcs.current || !parent || parent.clientWidth === 0) return null;
  const [width, height] = [parent.clientWidth, parent.clientHeight];
  const ctx = fit(arcs.current, width, height);
  ctx.clearRect(0, 0, width, height);
  const point = (token: number): Point | null => {
    const span = spans[token];
    if (!span) return null;
    const x = span.offsetLeft + Math.min(span.offsetWidth, 200) / 2;
    return { x, y: span.offsetTop - parent.scrollTop - 2 };
  };
  return { ctx, point };
}

/** A word's ground and ink; only what changes is written. */
export function tint(span: HTMLElement, ground: string, ink: string): void {
  if (span.style.backgroundColor !== ground) span.style.backgroundColor = ground;
  if (span.style.color !== ink) span.style.color = ink;
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
