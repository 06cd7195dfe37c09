// The state behind a view of one model: traits, what is hovered, and what the kernel is asked for.
import { batch, computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type {
  Options,
  Score,
  ScoresInfo,
  SelectedCell,
  SelectedHead,
  Status,
  Text,
  Topic,
} from "./contract.gen";
import { sequential } from "./draw/color";
import type { Theme } from "./draw/theme";
import type { Tile } from "./draw/tile";
import { Client, floats, Refusal } from "./wire/client";
import { Echoes } from "./wire/echoes";
import { type HeadAt, OVERVIEW_SIDE, Tiles } from "./wire/tiles";
import { follow, type Live, type Model, type Traits, view } from "./wire/traits";

export interface Hover {
  /** Where the pointer is: in the matrix, or on a token of the text. */
  where: "matrix" | "text";
  query: number;
  key: number | null;
}

export type Selected = SelectedHead & SelectedCell;
export type Direction = "from" | "to";

/** Values of one score for all heads. */
export interface Plane {
  about: Score;
  value: Float32Array;
  control: Float32Array | null;
  low: Float32Array | null;
  high: Float32Array | null;
  /** What the low end has to be above. */
  bar: Float32Array | null;
}

/** After a click, in this order: the picture, Python's knowledge, exact numbers, the neighbours. */
const TELL_MS = 10;
const HOVER_MS = 15;
const SETTLE_MS = 60;
const PREFETCH_MS = 120;
/** A picture that is about to be replaced stays; one that is not would lie. */
const STALE_MS = 150;

export class Desk {
  readonly client: Client;
  readonly live: Live;
  readonly selection: ReadonlySignal<Selected>;
  readonly cell: ReadonlySignal<SelectedCell>;
  readonly status: Signal<Status>;
  readonly hover = signal<Hover | null>(null);
  readonly hoverHead = signal<HeadAt | null>(null);
  readonly direction = signal<Direction>("from");
  readonly help = signal(false);
  readonly complaint = signal<string | null>(null);
  /** The latest zoom key, for whichever panel zooms. */
  readonly zoomKey = signal<{ key: "+" | "-" | "0" | null }>({ key: null });
  readonly theme: Signal<Theme>;
  readonly table: ReadonlySignal<Uint32Array>;

  readonly text: ReadonlySignal<Text>;
  readonly head: ReadonlySignal<HeadAt>;
  readonly tiles: ReadonlySignal<Tiles>;
  readonly tile: ReadonlySignal<Tile | null>;
  /** What is drawn: the tile, or for a moment the one before it, so that nothing flickers. */
  readonly picture: ReadonlySignal<Tile | null>;
  /** Exact attention of the query over keys, or on the key over queries; as `picture`. */
  readonly weights: ReadonlySignal<Float32Array | null>;
  readonly planes: ReadonlySignal<Plane[]>;
  /** What the topic shows besides scores, with its numbers. */
  readonly topic: Signal<{ info: Topic | null; data: DataView }>;
  readonly plane: ReadonlySignal<Plane | null>;
  /** The query that everything is shown for: hovered, else pinned, else the last token. */
  readonly query: ReadonlySignal<number>;
  /** The key whose onlookers are shown, in the direction "to". */
  readonly key: ReadonlySignal<number>;

  constructor(
    private readonly model: Model,
    abort: AbortSignal,
    theme: Theme,
  ) {
    this.client = new Client(model, abort);
    this.live = follow(model, abort, this.#echoes);
    this.theme = signal(theme);
    this.table = computed(() => sequential(this.theme.value));
    this.text = this.live.text as unknown as ReadonlySignal<Text>;
    this.selection = computed(() => ({
      ...this.live.selected_head.value,
      ...this.live.selected_cell.value,
    }));
    this.status = signal(this.live.status.value);
    this.cell = this.live.selected_cell;
    this.head = computed(() => {
      const { layer, head } = this.live.selected_head.value;
      return [layer, head];
    });

    const scores = signal<{ info: ScoresInfo; data: DataView }>({
      info: this.live.scores.value,
      data: view(this.live.score_data.value),
    });
    this.planes = computed(() => readPlanes(scores.value.info, scores.value.data, this.text.value));
    this.plane = computed(
      () =>
        this.planes.value.find((p) => p.about.name === this.options.score) ??
        this.planes.value[0] ??
        null,
    );
    this.tiles = computed(
      () => new Tiles(this.client, this.text.value.gen, this.text.value.tokens.length),
    );
    this.tile = computed(() => {
      this.tiles.value.arrived.value;
      return this.tiles.value.overview(this.head.value, this.options.pooling);
    });
    this.query = computed(() => {
      const last = Math.max(0, this.text.value.tokens.length - 1);
      return Math.min(this.hover.value?.query ?? this.cell.value.query ?? last, last);
    });
    this.key = computed(() => {
      const hover = this.hover.value;
      const at = hover?.where === "text" ? hover.query : (hover?.key ?? null);
      const last = Math.max(0, this.text.value.tokens.length - 1);
      return Math.min(at ?? this.cell.value.key ?? this.cell.value.query ?? 0, last);
    });

    const pictures = hold(this.tile);
    const rows = hold(computed(() => this.#attention()));
    this.picture = pictures.shown;
    this.weights = rows.shown;

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
        this.status.value = this.live.status.value;
      }),
      effect(() => {
        scores.value = { info: this.live.scores.value, data: view(this.live.score_data.value) };
      }),
      effect(() => {
        const shown = this.live.picture.value;
        const data = view(this.live.picture_data.value);
        if ("tile" in shown) this.tiles.value.keep(shown as never, data);
      }),
      effect(() => {
        this.topic.value = this.#topic();
      }),
      effect(() => {
        const { info, data } = this.topic.value;
        if (info && "pictures" in info && info.pictures)
          this.tiles.value.keepAll(info.pictures, data);
      }),
      pictures.end,
      rows.end,
      effect(() => this.#wantOverview()),
      effect(() => this.#wantText()),
    ];
    abort.addEventListener("abort", () => {
      for (const end of ends) end();
      clearTimeout(this.#idle);
      clearTimeout(this.#exact);
      // What was selected last is not lost with the view.
      if (this.#telling !== undefined) {
        clearTimeout(this.#telling);
        this.#tell();
      }
    });
    this.client.hello();
  }

  #echoes = new Echoes();

  #topic(): { info: Topic | null; data: DataView } {
    const info = this.live.topic.value;
    const data = view(this.live.topic_data.value);
    return { info: info && "kind" in info ? (info as Topic) : null, data };
  }

  get options(): Options {
    return this.live.options.value;
  }

  set(options: Partial<Options>): void {
    this.#put("options", { ...this.options, ...options });
    this.model.save_changes();
  }

  /** Select: ask for what will be looked at, then show it, then tell Python. */
  select(change: Partial<Selected>): void {
    const { layer, head, query, key } = { ...this.selection.value, ...change };
    if ("layer" in change || "head" in change) this.#askFor([layer, head]);
    batch(() => {
      // What does not change is not sent: Python may be moving it just now.
      if ("layer" in change || "head" in change) {
        this.#put("selected_head", { layer, head });
      }
      if ("query" in change || "key" in change) {
        this.#put("selected_cell", { query, key });
      }
    });
    clearTimeout(this.#telling);
    this.#telling = setTimeout(() => this.#tell(), TELL_MS);
  }

  /** Set a trait here and in the model, to be sent. */
  #put<T extends "options" | "selected_head" | "selected_cell">(name: T, value: Traits[T]): void {
    this.live[name].value = value;
    this.#echoes.note(name, value);
    this.model.set(name, value);
  }

  #telling: ReturnType<typeof setTimeout> | undefined;

  #tell(): void {
    this.#telling = undefined;
    this.model.save_changes();
  }

  moveHead(layers: number, heads: number): void {
    const { n_layers, n_heads } = this.text.value;
    const [layer, head] = this.head.value;
    this.select({
      layer: Math.min(n_layers - 1, Math.max(0, layer + layers)),
      head: Math.min(n_heads - 1, Math.max(0, head + heads)),
    });
  }

  moveQuery(by: number): void {
    const n = this.text.value.tokens.length;
    if (n === 0) return;
    const at = this.selection.value.query ?? n - 1;
    this.hover.value = null;
    this.select({ query: Math.min(n - 1, Math.max(0, at + by)) });
  }

  #row: { all: Float32Array; shown: Float32Array } | null = null;

  /** The same array as long as it holds the same, so that nothing is drawn twice. */
  #attention(): Float32Array | null {
    const tiles = this.tiles.value;
    tiles.arrived.value;
    if (this.direction.value === "to") return tiles.column(this.head.value, this.key.value);
    const all = tiles.row(this.head.value, this.query.value);
    if (!all) return null;
    const count = this.query.value + 1;
    if (this.#row?.all !== all || this.#row.shown.length !== count)
      this.#row = { all, shown: all.subarray(0, count) };
    return this.#row.shown;
  }

  /** The value at which the colour table ends, for the selected head. */
  vmax(tile: Tile): number {
    if (this.options.scale === "shared") return 1;
    let most = tile.scale;
    if (this.options.first === "show" && tile.first)
      for (const value of tile.first) if (value > most) most = value;
    return most > 0 ? most : 1;
  }

  async run(text: string): Promise<void> {
    this.complaint.value = null;
    try {
      await this.client.ask({ kind: "run", text }, "run");
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.reason !== "superseded") this.complaint.value = error.message;
    }
  }

  stop(): void {
    this.client.ask({ kind: "stop" }).catch(() => {});
  }

  #idle: ReturnType<typeof setTimeout> | undefined;

  /** A head's tile, on its way before anything is drawn. */
  #askFor(at: HeadAt): void {
    const tiles = this.tiles.value;
    if (tiles.n === 0 || !this.text.value.live) return;
    const neighbours = around(at, this.text.value);
    tiles.want([at], neighbours, this.options.pooling, tiles.whole, OVERVIEW_SIDE, "tile");
    this.client.flush();
  }

  /** The selected head now; its neighbours once nothing else is wanted for a moment. */
  #wantOverview(): void {
    const tiles = this.tiles.value;
    const { pooling } = this.options;
    const at = this.head.value;
    clearTimeout(this.#idle);
    if (tiles.n === 0 || !this.text.value.live) return;
    this.#askFor(at);
    this.#idle = setTimeout(() => {
      if (this.client.alive.peek() === "yes")
        tiles.want(
          around(at, this.text.peek()).slice(0, 8),
          [],
          pooling,
          tiles.whole,
          OVERVIEW_SIDE,
          "prefetch",
        );
    }, PREFETCH_MS);
  }

  /** Exact numbers of what is looked at: at once under the pointer, else after the picture. */
  #wantText(): void {
    const tiles = this.tiles.value;
    clearTimeout(this.#exact);
    if (tiles.n === 0 || !this.text.value.live) return;
    const [head, query, at] = [this.head.value, this.query.value, this.key.value];
    const direction = this.direction.value;
    this.#exact = setTimeout(
      () => {
        if (direction === "from") tiles.wantRow(head, query, "row");
        else tiles.wantColumn(head, at, "column");
        tiles.wantNext(query);
      },
      this.hover.value ? HOVER_MS : SETTLE_MS,
    );
  }

  #exact: ReturnType<typeof setTimeout> | undefined;
}

/** A signal that keeps its last value for a moment when there is none. */
function hold<T>(source: ReadonlySignal<T | null>): {
  shown: ReadonlySignal<T | null>;
  end: () => void;
} {
  const shown = signal<T | null>(null);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = effect(() => {
    const value = source.value;
    clearTimeout(timer);
    if (value !== null) shown.value = value;
    else
      timer = setTimeout(() => {
        shown.value = null;
      }, STALE_MS);
  });
  return {
    shown,
    end: () => {
      clearTimeout(timer);
      end();
    },
  };
}

/** Heads next to one: those that the next key press or click most likely selects. */
function around([layer, head]: HeadAt, { n_layers, n_heads }: Text): HeadAt[] {
  const found: HeadAt[] = [];
  for (let reach = 1; reach < Math.max(n_layers, n_heads) && found.length < 48; reach++) {
    for (const [l, h] of [
      [layer, head + reach],
      [layer, head - reach],
      [layer + reach, head],
      [layer - reach, head],
      [layer + reach, head + reach],
      [layer - reach, head - reach],
    ] as HeadAt[]) {
      if (l >= 0 && l < n_layers && h >= 0 && h < n_heads) found.push([l, h]);
    }
  }
  return found;
}

function readPlanes(info: ScoresInfo, data: DataView, { n_layers, n_heads }: Text): Plane[] {
  const size = n_layers * n_heads;
  if (data.byteLength < info.planes * size * 4) return [];
  const plane = (index: number | null) =>
    index === null ? null : floats(data, index * size * 4, size);
  return info.scores.map((about) => ({
    about,
    value: plane(about.value) as Float32Array,
    control: plane(about.control),
    low: plane(about.low),
    high: plane(about.high),
    bar: plane(about.bar),
  }));
}
