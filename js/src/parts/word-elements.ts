// The elements of a text: one a token, or one for the tokens that are one character.
import { type Piece, pieces, standApart } from "../draw/characters";
import { cssOf } from "../draw/color";
import { labelText } from "../draw/label";

export interface WordElements {
  /** The element of each token; tokens that are parts of one character share one. */
  of: HTMLElement[];
  pieces: Piece[];
  /** The pieces' elements, in order. */
  spans: HTMLElement[];
  /** What each looks like by now, and the colours that it has: to ask the page costs more. */
  looks: Int32Array;
  colours: Uint32Array | null;
}

export const NO_WORDS: WordElements = {
  of: [],
  pieces: [],
  spans: [],
  looks: new Int32Array(),
  colours: null,
};

/** Puts a text's elements into a parent, in place of what was there. */
export function putWords(
  parent: HTMLElement,
  tokens: readonly string[],
  prompt: string,
): WordElements {
  const document = parent.ownerDocument;
  const shown = pieces(tokens);
  const spans = shown.map((piece) => element(document, piece));
  parent.classList.toggle("apart", standApart(prompt, tokens));
  parent.replaceChildren(
    ...spans.flatMap((span, i) =>
      shown[i]?.text.includes("\n") ? [span, document.createElement("br")] : [span],
    ),
  );
  const of = shown.flatMap(({ from, to }, i) =>
    Array.from({ length: to - from }, () => spans[i] as HTMLElement),
  );
  return { of, pieces: shown, spans, looks: new Int32Array(spans.length).fill(-1), colours: null };
}

/** A token is text, whatever it holds. */
function element(document: Document, { from, to, text }: Piece): HTMLElement {
  const span = document.createElement("span");
  span.className = "word";
  span.dataset.at = String(from);
  if (to - from > 1) span.dataset.parts = String(to - from);
  // Spaces are kept as they are; only what cannot be seen is given a picture.
  const lead = /^ */.exec(text)?.[0] ?? "";
  span.textContent =
    lead.length < text.length
      ? lead + labelText(text.slice(lead.length), 600)
      : labelText(text, 600);
  return span;
}

/** The token under a pointer: of a character's parts the one at that share of its width. */
export function tokenUnder(event: MouseEvent): number | null {
  const span = event.target as HTMLElement;
  const at = span.dataset?.at;
  if (at === undefined) return null;
  const parts = Number(span.dataset.parts ?? 1);
  if (parts === 1) return Number(at);
  const box = span.getBoundingClientRect();
  const share = box.width > 0 ? (event.clientX - box.left) / box.width : 0;
  return Number(at) + Math.max(0, Math.min(parts - 1, Math.floor(share * parts)));
}

/** Which class of a word says what of its token. */
export const MARKS = ["pinned", "here", "unknown", "written"] as const;
export type Mark = (typeof MARKS)[number];

/** A word's ground (an entry of a table, −1: none), ink and marks (bits of MARKS). */
export function paintWord(
  { spans, looks }: WordElements,
  at: number,
  entry: number,
  table: Uint32Array,
  ink: string,
  marks: number,
): void {
  // Nothing is written to the page that is there already.
  const look = ((entry + 1) << (MARKS.length + 1)) | (marks << 1) | Number(ink !== "");
  const span = spans[at];
  if (!span || looks[at] === look) return;
  looks[at] = look;
  span.style.backgroundColor = entry < 0 ? "" : cssOf(table[entry] ?? 0);
  span.style.color = ink;
  for (const [bit, mark] of MARKS.entries()) span.classList.toggle(mark, (marks & (1 << bit)) > 0);
}
