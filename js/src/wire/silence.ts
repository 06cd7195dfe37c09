// How long a kernel may say nothing before it is called busy, or gone.

/** Whether the kernel answers. "unsure": it has been silent for longer than a click should take. */
export type Liveness = "yes" | "unsure" | "no";

/** So often one looks. */
export const LOOK_MS = 500;
const BUSY_MS = 2500;
const GONE_MS = 6000;
/** An idle kernel has read all that it was sent: it does not know this view. */
const IDLE_LOOKS = 3;

export class Silence {
  #idle = 0;

  /** After so long a silence; null: nothing can be said. `idle`: the kernel has nothing to do. */
  judge(ms: number, idle: boolean): Liveness | null {
    this.#idle = idle ? this.#idle + 1 : 0;
    if (ms > GONE_MS || this.#idle >= IDLE_LOOKS) return "no";
    return ms > BUSY_MS ? "unsure" : null;
  }
}
