// What the page sets comes back from the kernel as an echo, and may come back late.

/** A value that says who set it: its source, and that one's how-manieth it is. */
export interface Stamped {
  source: string;
  seq: number;
}

/**
 * Tells a late echo from news.
 *
 * While a message is under way the next one waits, and the echo of the first sets the trait back to
 * what it said: a second key press would then start from where the first one did. However late it
 * comes, it is this page's and older than what the page has set since.
 */
export class Echoes {
  #latest = new Map<string, number>();

  constructor(readonly source: string) {}

  /** The stamp of the next value that the page sets. */
  next(name: string): Stamped {
    const seq = (this.#latest.get(name) ?? 0) + 1;
    this.#latest.set(name, seq);
    return { source: this.source, seq };
  }

  /** Whether a value that arrives is one that the page has replaced since. */
  isLate(name: string, value: unknown): boolean {
    if (!isStamped(value) || value.source !== this.source) return false;
    return value.seq < (this.#latest.get(name) ?? 0);
  }
}

function isStamped(value: unknown): value is Stamped {
  return typeof value === "object" && value !== null && "source" in value && "seq" in value;
}
