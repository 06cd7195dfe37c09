// Tokens that are parts of one character, joined: they show as "蓝⟨1/3⟩" and so on. Results of earlier
// versions have the bytes of each instead: "\xe8".

/** Tokens [from, to) that show as one text. */
export interface Piece {
  from: number;
  to: number;
  text: string;
}

const PART = /^(.+)⟨1\/([2-4])⟩$/su;
const BYTE = /\\x[89a-f][0-9a-f]/;
/** A character has at most four bytes, and a token begins and ends within one at most. */
const LONGEST = 4;

/** A text's tokens, in order, each run that is one character together. */
export function pieces(tokens: readonly string[]): Piece[] {
  const found: Piece[] = [];
  for (let from = 0; from < tokens.length; ) {
    const piece = named(tokens, from) ??
      joined(tokens, from) ?? { from, to: from + 1, text: tokens[from] ?? "" };
    found.push(piece);
    from = piece.to;
  }
  return found;
}

function named(tokens: readonly string[], from: number): Piece | null {
  const [, text = "", n = 0] = PART.exec(tokens[from] ?? "") ?? [];
  // The spaces before a character are in its first part alone.
  for (let part = 2; part <= Number(n); part++)
    if (tokens[from + part - 1] !== `${text.trimStart()}⟨${part}/${n}⟩`) return null;
  return text ? { from, to: from + Number(n), text } : null;
}

function joined(tokens: readonly string[], from: number): Piece | null {
  if (tokens[from]?.search(BYTE) === -1) return null;
  for (let to = from + 2; to <= Math.min(tokens.length, from + LONGEST); to++) {
    const text = decoded(tokens.slice(from, to).join(""));
    if (text !== null) return { from, to, text };
  }
  return null;
}

/** The text of bytes written out between others; null where they are no whole characters. */
function decoded(shown: string): string | null {
  try {
    const escaped = encodeURIComponent(shown).replace(/%5Cx([89a-f][0-9a-f])/g, "%$1");
    return decodeURIComponent(escaped);
  } catch {
    return null;
  }
}

/** Tokens that do not carry their own spaces: a vocabulary of words. */
export function standApart(prompt: string, tokens: readonly string[]): boolean {
  return /\s/.test(prompt) && !tokens.some((token) => /\s/.test(token));
}
