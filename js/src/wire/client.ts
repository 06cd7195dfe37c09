// The view's end of the wire: requests get ids, are sent together, and only the latest wish counts.
import { signal } from "@preact/signals";
import {
  type Batch,
  type Body,
  type Fail,
  MAX_REQUESTS,
  type Push,
  type Reply,
  type Request,
} from "../contract.gen";
import type { Port } from "../hosts/port";
import { Filling } from "./filling";
import { type Liveness, LOOK_MS, Silence } from "./silence";

/** The buffers of a push by their names. */
export type NamedBuffers = Readonly<Record<string, DataView>>;

type WithoutId<T> = T extends unknown ? Omit<T, "id"> : never;
export type Ask = WithoutId<Request>;

export interface Answer {
  body: Body;
  run: number;
  data: DataView;
}

export class Refusal extends Error {
  constructor(
    readonly reason: Fail["reason"] | "superseded",
    message: string,
  ) {
    super(message);
  }
}

/** Said of an answer that is not what the contract says. */
export const UNREADABLE = "The kernel's answer could not be read.";

const IN_FLIGHT = 6;
/** A request without an answer keeps no place from others for longer than this. */
const SLOT_MS = 5000;
/** Jupyter may have dropped it: then it has to be asked anew. */
const LOST_MS = 30_000;
/** Said of a request that was never answered while others were. */
export const LOST = "The kernel did not answer this request. Select it again to ask anew.";

interface Asked {
  request: Request;
  slot: string | null;
  /** When it was sent, of the page's clock. */
  sent: number;
  resolve: (answer: Answer) => void;
  reject: (refusal: Refusal) => void;
}

export class Client {
  readonly alive = signal<Liveness>("yes");
  /** Whether anybody has ever answered. */
  heard = false;
  onPush: (push: Push, buffers: NamedBuffers) => void = () => {};

  /** Of this page, among all that talk to the kernel. */
  readonly name = `view-${Math.random().toString(36).slice(2, 12)}`;
  #lastId = 0;
  #waiting: Asked[] = [];
  #inFlight = new Map<number, Asked>();
  #scheduled = false;
  #lastHeard = 0;
  #watch: ReturnType<typeof setTimeout> | null = null;
  #frame = 0;
  #over = false;
  #filling: Filling;

  constructor(private readonly port: Port) {
    this.#filling = new Filling((fill) => this.ask({ kind: "hello", fill }), port.signal);
    port.onMessage((content, buffers) => this.#receive(content, buffers));
    port.onGone(() => this.#gone());
    if (port.send === null) this.alive.value = "no";
    port.signal.addEventListener("abort", () => {
      this.#over = true;
      if (this.#watch !== null) clearTimeout(this.#watch);
      cancelAnimationFrame(this.#frame);
      for (const asked of [...this.#waiting, ...this.#inFlight.values()])
        asked.reject(new Refusal("superseded", "the view is gone"));
      this.#waiting = [];
      this.#inFlight.clear();
    });
  }

  /**
   * Ask for something. With a `slot`, a later wish for the same slot replaces one that has not been
   * sent, and cancels one that is under way.
   */
  ask(request: Ask, slot: string | null = null): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#over) {
        reject(new Refusal("superseded", "the view is gone"));
        return;
      }
      if (slot !== null) this.#supersede(slot);
      const id = ++this.#lastId;
      this.#waiting.push({
        request: { ...request, id } as Request,
        slot,
        sent: 0,
        resolve,
        reject,
      });
      this.#schedule();
    });
  }

  /** Whether replies to this page are filled up (see `Filling`). */
  get fills(): boolean {
    return this.#filling.chosen;
  }

  /** Is anybody there? The answer changes `alive`. */
  hello(): void {
    this.ask({ kind: "hello", fill: this.fills }, "hello").catch(() => {});
  }

  #supersede(slot: string): void {
    const stale = (asked: Asked) => asked.slot === slot;
    for (const asked of this.#waiting.filter(stale))
      asked.reject(new Refusal("superseded", "a newer wish took its place"));
    this.#waiting = this.#waiting.filter((asked) => !stale(asked));
    for (const [id, asked] of this.#inFlight) {
      if (!stale(asked)) continue;
      this.#inFlight.delete(id);
      asked.reject(new Refusal("superseded", "a newer wish took its place"));
      const cancel: Request = { kind: "cancel", id: ++this.#lastId, target: id };
      this.#waiting.push({ request: cancel, slot: null, sent: 0, resolve() {}, reject() {} });
    }
  }

  /** All that is asked in one turn of the event loop goes out together, with no frame's delay. */
  #schedule(): void {
    if (this.#scheduled || this.#over) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** Send now what was asked for, not at the end of the turn. */
  flush(): void {
    if (this.#over) return;
    const batch: Request[] = [];
    const kept: Asked[] = [];
    const now = performance.now();
    let free = IN_FLIGHT - this.#holding(now);
    for (const asked of this.#waiting) {
      const counts = answered(asked.request);
      if ((counts && free <= 0) || batch.length >= MAX_REQUESTS) {
        kept.push(asked);
        continue;
      }
      batch.push(asked.request);
      if (!counts) continue;
      if (asked.request.kind !== "hello") this.#filling.asked();
      asked.sent = now;
      free -= 1;
      this.#inFlight.set(asked.request.id, asked);
    }
    this.#waiting = kept;
    if (batch.length === 0) return;
    const message: Batch = { client: this.name, requests: batch };
    try {
      if (this.port.send === null) throw new Error("there is no kernel");
      this.port.send(message);
    } catch {
      this.#gone();
      return;
    }
    if (this.#watch === null && this.#inFlight.size > 0) this.#listen();
  }

  /** How many requests under way keep others waiting: not those that seem to be lost. */
  #holding(now: number): number {
    let count = 0;
    for (const { sent } of this.#inFlight.values()) if (now - sent < SLOT_MS) count += 1;
    return count;
  }

  /** Gives up what was never answered, and sends what waited for it. A run may take long. */
  #sweep(): void {
    const now = performance.now();
    for (const [id, asked] of this.#inFlight) {
      if (asked.request.kind === "run" || now - asked.sent < LOST_MS) continue;
      this.#inFlight.delete(id);
      asked.reject(new Refusal("missing", LOST));
    }
    if (this.#waiting.length > 0) this.flush();
  }

  /** While something is unanswered: notice silence, and say so. */
  #listen(): void {
    this.#lastHeard = performance.now();
    const silence = new Silence();
    const check = () => {
      this.#watch = null;
      if (this.#inFlight.size === 0 || this.#over || this.alive.value === "no") return;
      // Who has answered may be at work in a thread while its kernel is idle.
      const idle = !this.heard && this.port.idle();
      const judged = silence.judge(performance.now() - this.#lastHeard, idle);
      if (judged !== null) this.alive.value = judged;
      this.#sweep();
      this.#watch = setTimeout(check, LOOK_MS);
    };
    this.#watch = setTimeout(check, LOOK_MS);
  }

  #gone(): void {
    this.alive.value = "no";
    for (const asked of [...this.#waiting, ...this.#inFlight.values()])
      asked.reject(new Refusal("missing", "the kernel is gone"));
    this.#waiting = [];
    this.#inFlight.clear();
  }

  /** After the frame that shows it: a page that is not seen asks for no more. */
  #whenDrawn(then: () => void): void {
    // Only one push is on its way at a time.
    this.#frame = requestAnimationFrame(() => setTimeout(then, 0));
  }

  #receive(content: unknown, buffers: DataView[]): void {
    if (!isReply(content)) return;
    this.#lastHeard = performance.now();
    this.heard = true;
    if (this.alive.value !== "yes") this.alive.value = "yes";
    const data = buffers[0] ?? new DataView(new ArrayBuffer(0));
    if (content.kind === "push") {
      this.onPush(content, named(content.buffers, buffers));
      this.#whenDrawn(() => this.ask({ kind: "ack", seq: content.seq }).catch(() => {}));
      return;
    }
    // Silence is watched again after it was broken.
    if (this.#watch === null && this.#inFlight.size > 0) this.#listen();
    if (content.client !== this.name) return;
    const asked = this.#inFlight.get(content.id);
    this.#inFlight.delete(content.id);
    if (asked?.request.kind !== "hello") this.#filling.answered(this.#inFlight.size === 0);
    if (content.kind === "error") asked?.reject(new Refusal(content.reason, content.message));
    else if (!isObject(content.body)) asked?.reject(new Refusal("failed", UNREADABLE));
    else asked?.resolve({ body: content.body, run: content.run, data });
    if (this.#waiting.length > 0) this.#schedule();
  }
}

function named(names: unknown, buffers: DataView[]): NamedBuffers {
  const list: unknown[] = Array.isArray(names) ? names : [];
  return Object.fromEntries(list.flatMap((name, i) => (buffers[i] ? [[name, buffers[i]]] : [])));
}

/** Acknowledgements and cancellations have no answer. */
function answered(request: Request): boolean {
  return request.kind !== "ack" && request.kind !== "cancel";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isReply(content: unknown): content is Reply {
  if (!isObject(content) || !("kind" in content)) return false;
  const { kind } = content;
  if (kind === "push")
    return (
      "seq" in content &&
      Number.isInteger(content.seq) &&
      "status" in content &&
      isObject(content.status)
    );
  return kind === "ok" || kind === "error";
}

/** Where some bytes of a view begin in the memory below, which other messages may share. */
export function within(view: DataView, offset: number, bytes: number): number {
  if (offset < 0 || bytes < 0 || offset + bytes > view.byteLength)
    throw new RangeError(`bytes ${offset} to ${offset + bytes} of ${view.byteLength}`);
  return view.byteOffset + offset;
}

/**
 * float32 out of a message's buffer. Its place in the underlying memory need not be aligned.
 * Throws a RangeError where the buffer does not hold them.
 */
export function floats(view: DataView, offset: number, length: number): Float32Array {
  const start = within(view, offset, length * 4);
  if (start % 4 === 0) return new Float32Array(view.buffer as ArrayBuffer, start, length);
  return new Float32Array((view.buffer as ArrayBuffer).slice(start, start + length * 4));
}
