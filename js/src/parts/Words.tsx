// The text as words, each in the colour of its number; arcs over them, and a chart below each line.
import { type ReadonlySignal, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type Arc, drawArcs } from "../draw/arcs";
import { type Band, drawBands, nearestToken } from "../draw/bands";
import { fit } from "../draw/canvas";
import type { Piece } from "../draw/characters";
import { diverging, sequential } from "../draw/color";
import type { Theme } from "../draw/theme";
import { bring } from "../styles";
import sheet from "../styles/words.css";
import {
  MARKS,
  type Mark,
  NO_WORDS,
  paintWord,
  putWords,
  tokenUnder,
  type WordElements,
} from "./word-elements";

bring(sheet);

/** How the words look: read again whenever it changes, without rendering. */
export interface WordsLook {
  /** From 0 to 1, or with a sign from −1; NaN: no ground. */
  ground: ArrayLike<number>;
  signed: boolean;
  /** Outlines and lines, by token. */
  marks: Partial<Record<Mark, (token: number) => boolean>>;
}

/** A number under each word, with its interval; NaN: missing. */
export interface WordsChart {
  value: ArrayLike<number>;
  low: ArrayLike<number>;
  high: ArrayLike<number>;
  faint?: (token: number) => boolean;
  from?: number;
}

export interface WordArc {
  from: number;
  to: number;
  /** From 0 to 1. */
  weight: number;
}

export interface WordsProps {
  tokens: readonly string[];
  prompt: string;
  theme: ReadonlySignal<Theme>;
  look: ReadonlySignal<WordsLook>;
  arcs?: ReadonlySignal<readonly WordArc[]>;
  chart?: ReadonlySignal<WordsChart | null>;
  /** The token that is pointed at, also by keys. */
  at: ReadonlySignal<number | null>;
  point: (token: number | null) => void;
  choose: (token: number) => void;
  /** Given: Left and Right go from token to token, and this is what is said of the strip. */
  label?: string;
}

const KEYS = "ArrowLeft ArrowRight Home End Enter";
const CHART = { left: 44, right: 6, below: 8 };
/** Px of a band: the fewer lines there are, the higher. */
const BAND = { least: 48, most: 120, all: 300 };

interface Places {
  /** The layout and scrolling that it is of. */
  key: string;
  x: Float32Array;
  band: Int32Array;
  bands: Band[];
}

export function Words(props: WordsProps) {
  const { tokens, prompt, theme, look, arcs, chart, at } = props;
  const [words, canvas] = [useRef<HTMLDivElement>(null), useRef<HTMLCanvasElement>(null)];
  const made = useRef<WordElements>(NO_WORDS);
  const places = useRef<Places | null>(null);
  const placed = useRef<Arc[]>([]);
  const size = useRef({ width: 0, height: 0 });
  /** Counts changes of the layout: what is drawn over the words follows it. */
  const layout = useSignal(0);
  useEffect(() => {
    if (words.current) made.current = putWords(words.current, tokens, prompt);
    layout.value++;
  }, [tokens, prompt]);
  useEffect(() => {
    if (!words.current) return;
    const observer = new ResizeObserver(() => {
      layout.value++;
    });
    observer.observe(words.current);
    return () => observer.disconnect();
  }, []);
  useSignalEffect(() => {
    layout.value;
    paint(made.current, look.value, theme.value);
  });
  const draw = () => {
    // All signals are read before anything else: a notebook takes cells out of sight off the page, and
    // a theme that changes meanwhile is drawn at the size and places that the words had.
    const [shown, links, colours] = [chart?.value ?? null, arcs?.value ?? [], theme.value];
    const [hover, count] = [at.value, layout.value];
    const parent = words.current?.parentElement;
    if (!canvas.current || !parent) return;
    if (parent.clientWidth > 0) {
      size.current = { width: parent.clientWidth, height: parent.clientHeight };
      const key = `${count} ${parent.scrollTop} ${parent.clientWidth}`;
      if (shown === null) places.current = null;
      else if (places.current?.key !== key) places.current = placesOf(made.current, parent, key);
      placed.current = placeArcs(links, made.current.of, parent);
    }
    const { width, height } = size.current;
    if (width === 0) return;
    const ctx = fit(canvas.current, width, height);
    ctx.clearRect(0, 0, width, height);
    if (shown && places.current)
      drawBands(ctx, { ...places.current, ...shown, hover, theme: colours });
    drawArcs(ctx, placed.current, colours);
  };
  useSignalEffect(draw);
  const under = (event: MouseEvent): number | null => {
    const token = tokenUnder(event);
    if (token !== null || !places.current) return token;
    const box = (event.currentTarget as Element).getBoundingClientRect();
    return nearestToken(places.current, event.clientX - box.left, event.clientY - box.top);
  };
  return (
    <div class="strip-box">
      <div
        class="strip-scroll"
        {...(props.label
          ? { tabIndex: 0, role: "group", "aria-label": props.label, "data-keys": KEYS }
          : {})}
        onKeyDown={(event) => {
          if (props.label && byKey(event, props)) {
            event.preventDefault();
            event.stopPropagation();
          }
        }}
        onScroll={draw}
        onMouseMove={(event) => {
          const token = under(event);
          if (token !== null && token !== at.peek()) props.point(token);
        }}
        onMouseLeave={() => props.point(null)}
        onClick={(event) => {
          const token = under(event);
          if (token !== null) props.choose(token);
        }}
      >
        <div
          class={`words ${chart?.value ? "charted" : arcs ? "" : "flat"}`}
          ref={words}
          dir="ltr"
          data-cw="strip"
        />
      </div>
      <canvas class="over-words" ref={canvas} data-cw="strip-over" />
    </div>
  );
}

/** Whether a key meant something: a token further or back, the ends, or to choose. */
function byKey(event: KeyboardEvent, { tokens, at, point, choose }: WordsProps): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return false;
  const now = at.peek();
  const last = tokens.length - 1;
  if (event.code === "Enter" && now !== null) choose(now);
  else if (event.code === "ArrowRight") point(Math.min(last, (now ?? -1) + 1));
  else if (event.code === "ArrowLeft") point(Math.max(0, (now ?? last + 1) - 1));
  else if (event.code === "Home") point(0);
  else if (event.code === "End") point(last);
  else return false;
  return true;
}

function paint(words: WordElements, look: WordsLook, theme: Theme): void {
  const table = look.signed ? diverging(theme) : sequential(theme);
  if (words.colours !== table) words.looks.fill(-1);
  words.colours = table;
  for (const [i, { from, to }] of words.pieces.entries()) {
    // Of a character's parts, the strongest.
    let t = 0;
    for (let token = from; token < to; token++) {
      const part = look.ground[token] ?? Number.NaN;
      if (Math.abs(part) > Math.abs(t)) t = part;
    }
    const place = Math.min(1, Math.max(0, look.signed ? (t + 1) / 2 : t));
    // Below one step of the table there is nothing to see.
    const entry = Math.abs(t) < 0.02 ? -1 : Math.round(255 * place);
    const strong = Math.abs(t) > (look.signed ? 0.6 : 0.5);
    paintWord(words, i, entry, table, strong ? theme.page : "", marksOf(look, from, to));
  }
}

/** A bit for each of MARKS. */
function marksOf({ marks }: WordsLook, from: number, to: number): number {
  let found = 0;
  for (const [bit, mark] of MARKS.entries()) {
    const has = marks[mark];
    for (let token = from; has && token < to; token++) if (has(token)) found |= 1 << bit;
  }
  return found;
}

/** The middle of a word's top edge, where the words' canvas has it. */
function top(span: HTMLElement, parent: HTMLElement): { x: number; y: number } {
  const x = span.offsetLeft + Math.min(span.offsetWidth, 200) / 2;
  return { x, y: span.offsetTop - parent.scrollTop - 2 };
}

function placeArcs(
  links: readonly WordArc[],
  of: readonly HTMLElement[],
  parent: HTMLElement,
): Arc[] {
  return links.flatMap(({ from, to, weight }) => {
    const [start, end] = [of[from], of[to]].map((span) => span && top(span, parent));
    return start && end ? [{ from: start, to: end, weight }] : [];
  });
}

/** Where each token's dot is, across, and the bands below the lines. */
function placesOf({ of, pieces, spans }: WordElements, parent: HTMLElement, key: string): Places {
  const [x, band] = [new Float32Array(of.length), new Int32Array(of.length)];
  const bands: Band[] = [];
  let line = Number.NaN;
  const x1 = parent.clientWidth - CHART.right;
  const height = bandHeight(spans);
  parent.style.setProperty("--cw-band", `${height}px`);
  for (const [i, span] of spans.entries()) {
    if (span.offsetTop !== line) {
      line = span.offsetTop;
      const y0 = line - parent.scrollTop + span.offsetHeight + CHART.below;
      bands.push({ x0: CHART.left, x1, y0, y1: y0 + height });
    }
    const { from, to } = pieces[i] as Piece;
    const width = Math.min(span.offsetWidth, x1 - span.offsetLeft);
    for (let token = from; token < to; token++) {
      x[token] = span.offsetLeft + ((token - from + 0.5) / (to - from)) * width;
      band[token] = bands.length - 1;
    }
  }
  return { key, x, band, bands };
}

/** How lines break does not depend on how far apart they are. */
function bandHeight(spans: readonly HTMLElement[]): number {
  const lines = new Set(spans.map(({ offsetTop }) => offsetTop)).size;
  return Math.round(Math.max(BAND.least, Math.min(BAND.most, BAND.all / Math.max(1, lines) - 60)));
}
