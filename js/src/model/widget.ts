// What all outputs of one widget share: its runs, scores, selection, parameters and topic.
import { batch, computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Options, ScoresInfo, Status, Text, Topic } from "../contract.gen";
import type { Tile } from "../draw/tile";
import type { Port } from "../hosts/port";
import { Client } from "../wire/client";
import { Echoes } from "../wire/echoes";
import { OVERVIEW_SIDE, type Pooling } from "../wire/tiles";
import { follow, type Live, type Traits, view } from "../wire/traits";
import { around, type HeadAt } from "./address";
import { Params, type ParamValues } from "./params";
import { type Plane, readPlanes } from "./planes";
import { hold, Run } from "./run";
import { type Selected, Selection, type Source } from "./selection";

const PREFETCH_MS = 120;

export interface TopicData {
  info: Topic | null;
  data: DataView;
}

export class Widget {
  readonly client: Client;
  readonly live: Live;
  readonly params: Params;
  readonly selection: Selection;
  readonly status: Signal<Status>;
  readonly text: ReadonlySignal<Text>;
  readonly run: ReadonlySignal<Run>;
  readonly head: ReadonlySignal<HeadAt>;
  readonly tile: ReadonlySignal<Tile | null>;
  /** What is drawn: the tile, or for a moment the one before it, so that nothing flickers. */
  readonly picture: ReadonlySignal<Tile | null>;
  readonly planes: ReadonlySignal<Plane[]>;
  readonly plane: ReadonlySignal<Plane | null>;
  /** What the topic shows besides scores, with its numbers. */
  readonly topic: Signal<TopicData>;
  #echoes = new Echoes();
  /** What Python does not know of. */
  #local = signal<ParamValues>({});
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly port: Port) {
    this.client = new Client(port);
    this.live = follow(port, this.#echoes);
    const { live } = this;
    this.text = live.text as unknown as ReadonlySignal<Text>;
    this.params = new Params({
      values: computed(() => ({ ...this.#local.value, ...live.options.value })),
      controls: signal([]),
      put: (values) => {
        const told = live.options.peek();
        const ours = Object.entries(values).filter(([name]) => !(name in told));
        const options = Object.fromEntries(Object.keys(told).map((name) => [name, values[name]]));
        this.#local.value = Object.fromEntries(ours);
        if (JSON.stringify(options) === JSON.stringify(told)) return;
        this.#put("options", options as unknown as Options);
        port.save();
      },
    });
    this.selection = new Selection(
      {
        head: live.selected_head,
        cell: live.selected_cell,
        put: (name, value) => this.#put(name, value),
        save: () => port.save(),
      },
      port.signal,
    );
    this.head = computed(() => {
      const { layer, head } = live.selected_head.value;
      return [layer, head];
    });
    this.run = computed(() => new Run(this.client, this.text.value));

    const scores = signal<{ info: ScoresInfo; data: DataView }>({
      info: live.scores.value,
      data: view(live.score_data.value),
    });
    this.planes = computed(() => readPlanes(scores.value.info, scores.value.data, this.text.value));
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
    this.topic = signal(this.#topic());
    this.client.onPush = (push, data) =>
      batch(() => {
        this.status.value = push.status;
        if (push.scores) scores.value = { info: push.scores, data };
        // One buffer: where there are scores it is theirs.
        if (push.topic)
          this.topic.value = { info: push.topic, data: push.scores ? view(null) : data };
      });
    const ends = [
      effect(() => {
        this.status.value = live.status.value;
      }),
      effect(() => {
        scores.value = { info: live.scores.value, data: view(live.score_data.value) };
      }),
      effect(() => {
        const shown = live.picture.value;
        const data = view(live.picture_data.value);
        if ("tile" in shown) this.run.value.tiles.keep(shown as never, data);
      }),
      effect(() => {
        this.topic.value = this.#topic();
      }),
      effect(() => {
        const { info, data } = this.topic.value;
        if (info && "pictures" in info && info.pictures)
          this.run.value.tiles.keepAll(info.pictures, data);
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

  #topic(): TopicData {
    const info = this.live.topic.value;
    const data = view(this.live.topic_data.value);
    return { info: info && "kind" in info ? (info as Topic) : null, data };
  }

  /** Set a trait here and in the model, to be sent. */
  #put<T extends "options" | "selected_head" | "selected_cell">(name: T, value: Traits[T]): void {
    (this.live[name] as Signal<Traits[T]>).value = value;
    this.#echoes.note(name, value);
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
