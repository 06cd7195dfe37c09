// Tokens that are parts of one character, joined: a byte that is no text by itself shows as "\xe8".

/** Tokens [from, to) that show as one text. */
export interface Piece {
  from: number;
  to: number;
  text: string;
}

const BYTE = /\\x([89a-f][0-9a-f])/g;
/** A character has at most four bytes, and a token begins and ends within one at most. */
const LONGEST = 4;

/** A text's tokens, in order, each run that is one character together. */
export function pieces(tokens: readonly string[]): Piece[] {
  const found: Piece[] = [];
  for (let from = 0; from < tokens.length; ) {
    const piece = joined(tokens, from) ?? { from, to: from + 1, text: tokens[from] ?? "" };
    found.push(piece);
    from = piece.to;
  }
  return found;
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
  const encoder = new TextEncoder();
  const bytes: number[] = [];
  let at = 0;
  for (const match of shown.matchAll(BYTE)) {
    bytes.push(...encoder.encode(shown.slice(at, match.index)));
    bytes.push(Number.parseInt(match[1] as string, 16));
    at = match.index + match[0].length;
  }
  bytes.push(...encoder.encode(shown.slice(at)));
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      Uint8Array.from(bytes),
    );
  } catch {
    return null;
  }
}

/** Tokens that do not carry their own spaces: a vocabulary of words. */
export function standApart(prompt: string, tokens: readonly string[]): boolean {
  return /\s/.test(prompt) && !tokens.some((token) => /\s/.test(token));
}
