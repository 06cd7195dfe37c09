// What the page sets comes back from the kernel as an echo, and may come back late.
/** Some hosts send no echo: what was set this long ago is no longer waited for. */
const PATIENCE_MS = 2000;

interface Noted {
  value: string;
  at: number;
}

/**
 * Tells a late echo from news.
 *
 * While a message is under way the next one waits, and the echo of the first sets the trait back to
 * what it said: a second key press would then start from where the first one did.
 */
export class Echoes {
  #noted = new Map<string, Noted[]>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** The page sets a trait. */
  note(name: string, value: unknown): void {
    const waiting = this.#waiting(name);
    waiting.push({ value: JSON.stringify(value), at: this.now() });
    this.#noted.set(name, waiting);
  }

  /** Whether a value that arrives is one that the page has replaced since. */
  isLate(name: string, value: unknown): boolean {
    const waiting = this.#waiting(name);
    const text = JSON.stringify(value);
    const late = waiting.slice(0, -1).some((noted) => noted.value === text);
    if (late && waiting.at(-1)?.value !== text) return true;
    // The echo of the latest, or news from the kernel: nothing older counts any more.
    this.#noted.delete(name);
    return false;
  }

  #waiting(name: string): Noted[] {
    const since = this.now() - PATIENCE_MS;
    return (this.#noted.get(name) ?? []).filter((noted) => noted.at > since);
  }
}
