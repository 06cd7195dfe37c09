// What all outputs of one widget share: its runs, scores, selection, parameters and topic.
import { batch, computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Frame, Push, Run as RunInfo, ScoresInfo, Status } from "../contract.gen";
import type { Tile } from "../draw/tile";
import type { Port } from "../hosts/port";
import { type Buffers, readTopic, type Topic } from "../wire/blocks";
import { Client, type NamedBuffers } from "../wire/client";
import { Echoes } from "../wire/echoes";
import { OVERVIEW_SIDE, type Pooling } from "../wire/tiles";
import { follow, type Live, type Traits, view } from "../wire/traits";
import { around, type HeadAt } from "./address";
import { Params, type ParamValues } from "./params";
import { type Plane, readPlanes } from "./planes";
import { currentOf, hold, Run } from "./run";
import { type Selected, Selection, type SelectionTraits, type Source } from "./selection";

const PREFETCH_MS = 120;

interface Scores {
  info: ScoresInfo;
  data: DataView;
}

/** The name of the scores' buffer in a push. */
const SCORES = "scores";

export class Widget {
  readonly client: Client;
  readonly live: Live;
  readonly params: Params;
  readonly selection: Selection;
  readonly status: Signal<Status>;
  readonly text: ReadonlySignal<RunInfo>;
  readonly run: ReadonlySignal<Run>;
  readonly head: ReadonlySignal<HeadAt>;
  readonly tile: ReadonlySignal<Tile | null>;
  /** What is drawn: the tile, or for a moment the one before it, so that nothing flickers. */
  readonly picture: ReadonlySignal<Tile | null>;
  readonly planes: ReadonlySignal<Plane[]>;
  readonly plane: ReadonlySignal<Plane | null>;
  /** What the topic shows besides scores; null: nothing yet. */
  readonly topic: Signal<Topic | null>;
  readonly frame: ReadonlySignal<Frame>;
  #echoes: Echoes;
  /** Parameters that Python declares no control for stay on the page. */
  #local = signal<ParamValues>({});
  #scores: Signal<Scores>;
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly port: Port) {
    this.client = new Client(port);
    this.#echoes = new Echoes(this.client.name);
    this.live = follow(port, this.#echoes);
    const { live } = this;
    this.text = computed(() => currentOf(live.runs.value));
    this.frame = live.frame;
    this.params = new Params({
      values: computed(() => ({ ...this.#local.value, ...live.param_values.value.values })),
      controls: live.controls,
      put: (values) => this.#setParams(values),
    });
    this.selection = new Selection(
      {
        live,
        put: (name, value) => this.#put(name, value as never),
        save: () => port.save(),
        echoes: this.#echoes,
      },
      port.signal,
    );
    this.head = computed(() => {
      const { layer, head } = live.selected_head.value;
      return [layer, head];
    });
    this.run = computed(() => new Run(this.client, this.text.value));

    this.#scores = signal(this.#toldScores());
    this.planes = computed(() => {
      const { info, data } = this.#scores.value;
      return readPlanes(info, data, this.text.value);
    });
    const score = this.params.choice("score");
    this.plane = computed(
      () =>
        this.planes.value.find((p) => p.about.name === score.value) ?? this.planes.value[0] ?? null,
    );
    const pooling = this.params.choice("pooling");
    this.tile = computed(() => {
      const { tiles } = this.run.value;
      tiles.arrived.value;
      return tiles.overview(this.head.value, pooling.value);
    });
    const pictures = hold(this.tile);
    this.picture = pictures.shown;

    this.status = signal(live.status.value);
    this.topic = signal(this.#toldTopic());
    this.client.onPush = (push, buffers) => this.#pushed(push, buffers);
    const ends = [
      effect(() => {
        this.status.value = live.status.value;
      }),
      // What the traits say is newer than whatever was pushed before, also where it is the same.
      effect(() => {
        live.version.value;
        this.#scores.value = this.#toldScores();
      }),
      effect(() => {
        live.version.value;
        this.topic.value = this.#toldTopic();
      }),
      effect(() => {
        const shown = live.picture.value;
        const data = view(live.picture_data.value);
        if ("tile" in shown) this.run.value.tiles.keep(shown as never, data);
      }),
      effect(() => {
        const pictures = this.topic.value?.pictures("pictures");
        if (pictures) this.run.value.tiles.keepAll(pictures.info, pictures.data);
      }),
      pictures.end,
      effect(() => this.#wantOverview(pooling.value)),
    ];
    port.signal.addEventListener("abort", () => {
      for (const end of ends) end();
      clearTimeout(this.#idle);
    });
    this.client.hello();
  }

  /** Select: ask for what will be looked at, then show it, then tell Python. */
  select(change: Partial<Selected>, source: Source = "page"): void {
    const { layer, head } = { ...this.selection.at, ...change };
    if ("layer" in change || "head" in change)
      this.#askFor([layer, head], this.params.choice("pooling").value);
    this.selection.set(change, source);
  }

  /** Another of the runs that are there: the text read with something changed inside the model. */
  showRun(id: number): void {
    this.port.set("runs", { ...this.live.runs.peek(), current: id });
  }

  setFrame(change: Partial<Frame>): void {
    this.#put("frame", { ...this.frame.peek(), ...change });
    this.port.save();
  }

  #setParams(values: ParamValues): void {
    const declared = new Set(this.live.controls.peek().map(({ name }) => name));
    const entries = Object.entries(values);
    this.#local.value = Object.fromEntries(entries.filter(([name]) => !declared.has(name)));
    const told = entries.filter(([name]) => declared.has(name));
    const before = this.live.param_values.peek().values;
    if (told.every(([name, value]) => before[name] === value)) return;
    const stamp = this.#echoes.next("param_values");
    this.#put("param_values", { values: Object.fromEntries(told), ...stamp });
    this.port.save();
  }

  #toldScores(): Scores {
    return { info: this.live.scores.value, data: view(this.live.score_data.value) };
  }

  #toldTopic(): Topic | null {
    const info = this.live.topic.value;
    const named = Object.entries(this.live.topic_data.value ?? {});
    const buffers: Buffers = Object.fromEntries(named.map(([name, data]) => [name, view(data)]));
    return info && "kind" in info ? readTopic(info as never, buffers) : null;
  }

  #pushed(push: Push, buffers: NamedBuffers): void {
    batch(() => {
      this.status.value = push.status;
      if (push.version < this.live.version.peek()) return;
      if (push.scores) this.#scores.value = { info: push.scores, data: view(buffers[SCORES]) };
      if (push.topic) this.topic.value = readTopic(push.topic, buffers);
    });
  }

  /** Set a trait here and in the model, to be sent. */
  #put<T extends keyof SelectionTraits | "param_values" | "frame">(
    name: T,
    value: Traits[T],
  ): void {
    (this.live[name] as unknown as Signal<Traits[T]>).value = value;
    this.port.set(name, value);
  }

  /** A head's tile, on its way before anything is drawn. */
  #askFor(at: HeadAt, pooling: Pooling): void {
    const { tiles, live, text } = this.run.value;
    if (!live) return;
    tiles.want([at], around(at, text), pooling, tiles.whole, OVERVIEW_SIDE, "tile");
    this.client.flush();
  }

  /** The selected head now; its neighbours once nothing else is wanted for a moment. */
  #wantOverview(pooling: Pooling): void {
    const { tiles, live, text } = this.run.value;
    const at = this.head.value;
    clearTimeout(this.#idle);
    if (!live) return;
    this.#askFor(at, pooling);
    this.#idle = setTimeout(() => {
      if (this.client.alive.peek() !== "yes") return;
      const near = around(at, text).slice(0, 8);
      tiles.want(near, [], pooling, tiles.whole, OVERVIEW_SIDE, "prefetch");
    }, PREFETCH_MS);
  }
}
