// A view's traits on a page without a kernel: they change here, and in the views that are linked.
import type { Batch, Reply, Request, RunTraits } from "../../contract.gen";
import type { Traits } from "../../wire/traits";
import type { End, Port } from "../port";
import type { Baked } from "./baked";
import type { Unpacked } from "./bytes";

type Receive = (content: unknown, buffers: DataView[]) => void;

export class PagePort implements Port {
  readonly baked = true;
  /** Told of what this view's user sets. */
  onSet: <K extends keyof Traits>(name: K, value: Traits[K]) => void = () => {};
  #values: Traits;
  #changed = new Map<keyof Traits, Set<() => void>>();
  #receive = new Set<Receive>();
  #others: readonly RunTraits[];

  constructor(
    private readonly unpacked: Unpacked,
    private readonly store: Baked,
    readonly signal: AbortSignal,
  ) {
    const { traits, others } = unpacked.view;
    this.#values = valuesOf(unpacked);
    const { scores, score_data, picture, picture_data } = traits;
    const run = traits.runs.current;
    this.#others = [{ run, scores, score_data, picture, picture_data }, ...others];
  }

  get<K extends keyof Traits>(name: K): Traits[K] {
    return this.#values[name];
  }

  set<K extends keyof Traits>(name: K, value: Traits[K]): void {
    this.#values[name] = value;
    if (name === "runs") this.#showRun(value as Traits["runs"]);
    this.onSet(name, value);
  }

  /** What a linked view says. */
  take<K extends keyof Traits>(name: K, value: Traits[K]): void {
    this.#values[name] = value;
    this.#tell(name);
  }

  /** There is nobody to tell. */
  save(): void {}

  onChange(name: keyof Traits, changed: () => void): End {
    return subscribe(this.#changed.get(name) ?? this.#new(name), changed);
  }

  onMessage(receive: Receive): End {
    return subscribe(this.#receive, receive);
  }

  idle(): boolean {
    return false;
  }

  onGone(): End {
    return () => {};
  }

  send = (content: unknown): void => {
    const { client, requests } = content as Batch;
    for (const request of requests) this.#answer(client, request);
  };

  async #answer(client: string, request: Request): Promise<void> {
    const answer = await this.store.answer(request);
    if (this.signal.aborted) return;
    const { id } = request;
    const run = "run" in request ? request.run : this.#values.runs.current;
    const failed = "reason" in answer;
    const reply: Reply = failed
      ? { kind: "error", client, id, ...answer }
      : { kind: "ok", client, id, run, body: answer.body };
    const buffers = failed ? [] : [new DataView(answer.data.buffer)];
    for (const receive of this.#receive) receive(reply, buffers);
  }

  /** With a run come its scores and its picture. */
  #showRun({ current }: Traits["runs"]): void {
    const other = this.#others.find(({ run }) => run === current);
    if (!other) return;
    const { part } = this.unpacked;
    this.#values.scores = other.scores;
    this.#values.score_data = part(other.score_data);
    this.#values.picture = other.picture ?? {};
    this.#values.picture_data = part(other.picture_data);
    this.#values.version += 1;
    this.#tell("runs");
  }

  #new(name: keyof Traits): Set<() => void> {
    const listeners = new Set<() => void>();
    this.#changed.set(name, listeners);
    return listeners;
  }

  #tell(name: keyof Traits): void {
    for (const changed of this.#changed.get(name) ?? []) changed();
  }
}

function valuesOf({ view, part }: Unpacked): Traits {
  const { traits } = view;
  const data = Object.entries(traits.topic_data).map(([name, span]) => [name, part(span)]);
  return {
    ...traits,
    version: 0,
    score_data: part(traits.score_data),
    picture: traits.picture ?? {},
    picture_data: part(traits.picture_data),
    topic: traits.topic ?? {},
    topic_data: Object.fromEntries(data),
  };
}

function subscribe<T>(all: Set<T>, one: T): End {
  all.add(one);
  return () => all.delete(one);
}
