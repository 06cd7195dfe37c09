// For tests: an anywidget model without a kernel, which remembers what was sent.
import { isDeepStrictEqual } from "node:util";
import type { Batch, Reply, Request } from "../contract.gen";
import { livePort } from "../hosts/live";
import type { Port } from "../hosts/port";
import { Session } from "../model/session";
import { Widget } from "../model/widget";
import type { Model, Traits } from "../wire/traits";
import { lightTheme } from "./fake-theme";

// biome-ignore lint/suspicious/noExplicitAny: as anywidget's own
type Listener = (...args: any[]) => void;

export class FakeModel {
  /** As Jupyter's: the kernel's state; other hosts have none. */
  widget_manager?: { kernel: { status: string } | null };
  readonly sent: Batch[] = [];
  /** What each call of `save_changes` told the kernel. */
  readonly saved: Partial<Traits>[] = [];
  #values: Partial<Traits>;
  #unsaved: Partial<Traits> = {};
  #listeners = new Map<string, Set<Listener>>();

  constructor(values: Partial<Traits> = {}) {
    this.#values = values;
  }

  get<K extends keyof Traits>(name: K): Traits[K] {
    return this.#values[name] as Traits[K];
  }

  /** As Backbone does: what is equal is no change, is not told of, and is not saved. */
  set<K extends keyof Traits>(name: K, value: Traits[K]): void {
    const same = isDeepStrictEqual(this.#values[name], value);
    this.#values = { ...this.#values, [name]: value };
    if (same) return;
    this.#unsaved = { ...this.#unsaved, [name]: value };
    this.emit(`change:${name}`);
  }

  save_changes(): void {
    this.saved.push(this.#unsaved);
    this.#unsaved = {};
  }

  get saves(): number {
    return this.saved.length;
  }

  on(event: string, listener: Listener): void {
    this.#listeners.set(event, (this.#listeners.get(event) ?? new Set()).add(listener));
  }

  off(event: string, listener?: Listener): void {
    if (listener) this.#listeners.get(event)?.delete(listener);
    else this.#listeners.delete(event);
  }

  send(content: unknown): void {
    this.sent.push(content as Batch);
  }

  get listeners(): number {
    return [...this.#listeners.values()].reduce((count, set) => count + set.size, 0);
  }

  // --- what the kernel does ---

  /** Traits that come in one message: all are there before the first is told of. */
  receive(values: Partial<Traits>): void {
    this.#values = { ...this.#values, ...values };
    for (const name of Object.keys(values)) this.emit(`change:${name}`);
  }

  reply(content: unknown, ...data: Uint8Array[]): void {
    this.emit("msg:custom", content, (data.length ? data : [new Uint8Array()]).map(shifted));
  }

  /** Answers a request with a body. */
  ok(request: Request, body: unknown, data?: Uint8Array): void {
    const run = "run" in request ? request.run : 0;
    const content = { kind: "ok", client: this.client, id: request.id, run, body };
    this.reply(content as Reply, ...(data ? [data] : []));
  }

  emit(event: string, ...args: unknown[]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) listener(...args);
  }

  get client(): string {
    return this.sent[0]?.client ?? "";
  }

  get requests(): Request[] {
    return this.sent.flatMap((batch) => batch.requests);
  }

  /** The latest request of a kind. */
  last<K extends Request["kind"]>(kind: K): Extract<Request, { kind: K }> {
    const found = this.requests.filter((request) => request.kind === kind).at(-1);
    if (!found) throw new Error(`no ${kind} was sent`);
    return found as Extract<Request, { kind: K }>;
  }

  port(signal: AbortSignal): Port {
    return livePort(this.asModel, signal);
  }

  /** A widget of this model with one output. */
  session(signal: AbortSignal): Session {
    return new Session(new Widget(this.port(signal)), lightTheme, signal);
  }

  get asModel(): Model {
    return this as unknown as Model;
  }
}

/** Bytes as Jupyter delivers them: somewhere inside a larger buffer, at any offset. */
export function shifted(data: Uint8Array): DataView {
  const whole = new Uint8Array(data.byteLength + 64);
  whole.set(data, 3);
  return new DataView(whole.buffer, 3, data.byteLength);
}

/** Lets promises and microtasks run. */
export const settle = () => new Promise<void>((resolve) => setTimeout(resolve, 0));
