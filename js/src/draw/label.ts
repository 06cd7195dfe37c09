// A token as a short label: what cannot be seen is made visible, what could disturb is disarmed.

/** Keep their look only inside a longer cluster (a joined emoji), and never act on their neighbours. */
const UNSEEN =
  /^(?:[\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\ufe00-\ufe0f])$/;
const OVERRIDES = /[\u202a-\u202e\u2066-\u2069]/g;
const RIGHT_TO_LEFT =
  /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]|[\ud802\ud803\ud83a\ud83b][\udc00-\udfff]/;
/** Seen as they are, a character each. */
const PLAIN = /^[!-~]+$/;
const FIRST_STRONG_ISOLATE = "\u2068";
const POP_ISOLATE = "\u2069";

const segmenter =
  typeof Intl !== "undefined" && "Segmenter" in Intl
    ? new Intl.Segmenter(undefined, { granularity: "grapheme" })
    : null;

/** What a reader calls characters: an emoji of five code points is one. */
export function graphemes(text: string): string[] {
  if (!segmenter) return Array.from(text);
  return Array.from(segmenter.segment(text), (part) => part.segment);
}

/** A token in at most `max` characters, the last an ellipsis where it had more. */
export function labelText(token: string, max: number): string {
  if (token === "") return "∅";
  const spaces = /^ */.exec(token)?.[0].length ?? 0;
  // A leading space belongs to most tokens and says little; a token of spaces alone says just that.
  const body = spaces === token.length ? "␣".repeat(spaces) : token.slice(spaces);
  if (body.length <= max && PLAIN.test(body)) return body;
  // A token may be very long (a run of dashes); no more of it than is shown need be looked at.
  const shown: string[] = [];
  for (const cluster of graphemes(body.slice(0, 64 * (max + 1)))) {
    shown.push(visible(cluster));
    if (shown.length > max) break;
  }
  const text =
    shown.length > max ? (max > 0 ? `${shown.slice(0, max - 1).join("")}…` : "") : shown.join("");
  return RIGHT_TO_LEFT.test(text) ? FIRST_STRONG_ISOLATE + text + POP_ISOLATE : text;
}

function visible(cluster: string): string {
  if (cluster === "\n" || cluster === "\r\n") return "⏎";
  if (cluster === "\t") return "⇥";
  const code = cluster.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code); // Unicode's pictures of controls
  if (code === 0x7f) return "␡";
  if (code === 0xa0) return "␣";
  if (UNSEEN.test(cluster) || (code >= 0x80 && code < 0xa0)) {
    return `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  }
  return cluster.replace(OVERRIDES, "");
}

/**
 * Which of the labels [from, to) to draw, `cell` px apart, so that none come closer than `room`
 * px: the `must` first (earlier ones win), then every so many that their places do not move while
 * one scrolls.
 */
export function chooseLabels(
  from: number,
  to: number,
  cell: number,
  must: readonly (number | null)[],
  room = 11,
): number[] {
  const chosen: number[] = [];
  const free = (i: number): boolean => chosen.every((j) => Math.abs(i - j) * cell >= room);
  for (const i of must) {
    if (i !== null && i >= from && i < to && free(i)) chosen.push(i);
  }
  const kept = chosen.length;
  const step = Math.max(1, Math.ceil(room / cell));
  for (let i = Math.ceil(from / step) * step; i < to; i += step) {
    // Only the few that must be shown can be too near: the others are a step apart.
    if (chosen.slice(0, kept).every((j) => Math.abs(i - j) * cell >= room)) chosen.push(i);
  }
  return chosen;
}

/** A label cut to `room` px in the context's font. */
export function fitted(ctx: CanvasRenderingContext2D, token: string, room: number): string {
  const advance = ctx.measureText("0").width || 6;
  let max = Math.max(0, Math.floor(room / advance));
  let text = labelText(token, max);
  // Monospace is not so for every script: wide characters are measured, one less at a time.
  while (max > 0 && !/^[ -~…]*$/.test(text) && ctx.measureText(text).width > room) {
    text = labelText(token, --max);
  }
  return text;
}

/** A label inside of a sentence: “Induction” is “induction”; what it quotes stays as it is. */
export function inSentence(label: string): string {
  return label.slice(0, 1).toLowerCase() + label.slice(1);
}
