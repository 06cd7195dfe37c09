// Whether replies are to be filled up: measured on this line, in moments when nothing is asked.

/** A greeting whose answer is filled or not; resolves when it has come. */
export type Greet = (fill: boolean) => Promise<unknown>;

/** A young connection acknowledges at once, and would show no difference. */
export const AFTER_ANSWERS = 40;
const QUIET_MS = 1500;
const BETWEEN_MS = 250;
const TRIES = 5;
/** What filling costs on a fast line is nothing: only a clear loss speaks against it. */
const CLEARLY = 0.8;

export class Filling {
  /** What was asked for last. */
  chosen = true;
  #answers = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #measured = false;
  #over = false;

  constructor(
    private readonly greet: Greet,
    signal: AbortSignal,
  ) {
    signal.addEventListener("abort", () => {
      this.#over = true;
      this.#stop();
    });
  }

  /** The user asks for something: not now. */
  asked(): void {
    this.#stop();
  }

  /** An answer has come. Where none is awaited, measure if it stays quiet. */
  answered(noneAwaited: boolean): void {
    this.#answers += 1;
    if (!noneAwaited) return;
    if (this.#measured || this.#over || this.#answers < AFTER_ANSWERS) return;
    this.#stop();
    this.#timer = setTimeout(() => this.#measure(), QUIET_MS);
  }

  #stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #measure(): Promise<void> {
    this.#timer = null;
    this.#measured = true;
    const before = this.#answers;
    const times = { filled: [] as number[], bare: [] as number[] };
    try {
      for (let i = 0; i < TRIES; i++)
        for (const kind of ["filled", "bare"] as const) {
          await new Promise((done) => setTimeout(done, BETWEEN_MS));
          const started = performance.now();
          await this.greet(kind === "filled");
          times[kind].push(performance.now() - started);
        }
      // Something else was under way: measured again another time.
      this.#measured = this.#answers === before;
      const bare = this.#measured && median(times.bare) < CLEARLY * median(times.filled);
      this.chosen = !bare;
      await this.greet(this.chosen);
    } catch {
      // No kernel, or the view is gone: nothing to choose.
    }
  }
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
