// One output of a widget: what is hovered there, how it looks there, and what it alone asks for.
import { computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Frame, Run as RunInfo, Runs, Status } from "../contract.gen";
import { sequential } from "../draw/color";
import type { Theme } from "../draw/theme";
import { stride, type Tile, valueAt } from "../draw/tile";
import type { Topic } from "../wire/blocks";
import { type Ask, type Client, Refusal } from "../wire/client";
import type { Tiles } from "../wire/tiles";
import type { HeadAt } from "./address";
import { Commands } from "./commands";
import type { Params } from "./params";
import type { Plane } from "./planes";
import { hold } from "./run";
import type { CellAt, Selected, Selection, Source } from "./selection";
import { addShortcuts } from "./shortcuts";
import type { Widget } from "./widget";

export type { Plane } from "./planes";

export interface Hover {
  /** Where the pointer is: in the matrix, or on a token of the text. */
  where: "matrix" | "text";
  query: number;
  key: number | null;
}

export type Direction = "from" | "to";

/** After the picture: exact numbers, sooner where the pointer rests. */
const HOVER_MS = 15;
const SETTLE_MS = 60;

/** Colours of one head end here at the least: 0.02 is not to look like much. */
const LEAST_MAX = 0.1;

let sessions = 0;

export class Session {
  // What the widget's outputs share.
  readonly client: Client;
  readonly params: Params;
  readonly selection: Selection;
  readonly status: Signal<Status>;
  readonly text: ReadonlySignal<RunInfo>;
  readonly head: ReadonlySignal<HeadAt>;
  readonly cell: ReadonlySignal<CellAt>;
  readonly tiles: ReadonlySignal<Tiles>;
  readonly tile: ReadonlySignal<Tile | null>;
  readonly picture: ReadonlySignal<Tile | null>;
  readonly planes: ReadonlySignal<Plane[]>;
  readonly plane: ReadonlySignal<Plane | null>;
  /** What the topic shows besides scores; null: nothing yet. */
  readonly topic: Signal<Topic | null>;
  readonly frame: ReadonlySignal<Frame>;
  /** A page without a kernel: values are those of tiles, in 8 bits. */
  readonly baked: boolean;

  // What is this output's own.
  readonly commands = new Commands();
  readonly hover = signal<Hover | null>(null);
  readonly hoverHead = signal<HeadAt | null>(null);
  /** A parameter, read and set as a signal is. */
  readonly direction: { value: Direction; peek(): Direction };
  readonly help = signal(false);
  readonly complaint = signal<string | null>(null);
  /** The latest zoom key, for whichever part zooms. */
  readonly zoomKey = signal<{ key: "+" | "-" | "0" | null }>({ key: null });
  readonly theme: Signal<Theme>;
  readonly table: ReadonlySignal<Uint32Array>;
  /** The query that everything is shown for: hovered, else pinned, else the last token. */
  readonly query: ReadonlySignal<number>;
  /** The key whose onlookers are shown, in the direction "to". */
  readonly key: ReadonlySignal<number>;
  /** Exact attention of the query over keys, or on the key over queries; as `picture`. */
  readonly weights: ReadonlySignal<Float32Array | null>;
  #name = `${++sessions}`;
  #exact: ReturnType<typeof setTimeout> | undefined;
  #row: { all: Float32Array; shown: Float32Array } | null = null;

  constructor(
    readonly widget: Widget,
    theme: Theme,
    abort: AbortSignal,
  ) {
    this.client = widget.client;
    this.params = widget.params;
    this.selection = widget.selection;
    this.status = widget.status;
    this.text = widget.text;
    this.head = widget.head;
    this.cell = computed(() => widget.selection.cell.value.value);
    this.frame = widget.frame;
    this.baked = widget.port.baked;
    this.tiles = computed(() => widget.run.value.tiles);
    this.tile = widget.tile;
    this.picture = widget.picture;
    this.planes = widget.planes;
    this.plane = widget.plane;
    this.topic = widget.topic;

    const direction = widget.params.choice("direction");
    this.direction = {
      get value() {
        return direction.value === "to" ? "to" : "from";
      },
      set value(way) {
        widget.params.set("direction", way);
      },
      peek: () => (direction.peek() === "to" ? "to" : "from"),
    };
    this.theme = signal(theme);
    this.table = computed(() => sequential(this.theme.value));
    this.query = computed(() => {
      const last = widget.run.value.lastToken;
      return Math.min(this.hover.value?.query ?? this.cell.value.query ?? last, last);
    });
    this.key = computed(() => {
      const hover = this.hover.value;
      const at = hover?.where === "text" ? hover.query : (hover?.key ?? null);
      const last = widget.run.value.lastToken;
      return Math.min(at ?? this.cell.value.key ?? this.cell.value.query ?? 0, last);
    });
    const rows = hold(computed(() => this.#attention()));
    this.weights = rows.shown;
    const ends = [rows.end, effect(() => this.#wantText())];
    abort.addEventListener("abort", () => {
      for (const end of ends) end();
      clearTimeout(this.#exact);
    });
    addShortcuts(this);
  }

  /** A name for this output's requests of a kind: those of another output do not replace them. */
  slot(kind: string): string {
    return `${kind} ${this.#name}`;
  }

  select(change: Partial<Selected>, source?: Source): void {
    this.widget.select(change, source);
  }

  /** The runs that there are to choose from. */
  get runs(): Runs {
    return this.widget.live.runs.value;
  }

  /** How high the widget's outputs are, in px; null: as they are by themselves. */
  setHeight(height: number | null): void {
    this.widget.setFrame({ height });
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
    const at = this.cell.value.query ?? n - 1;
    this.hover.value = null;
    this.select({ query: Math.min(n - 1, Math.max(0, at + by)) });
  }

  /** Along the row and the column: the exact value of any cell, without a pointer. */
  moveCell(down: number, across: number): void {
    const n = this.text.value.tokens.length;
    if (n === 0) return;
    const at = this.cell.value;
    const query = Math.min(n - 1, Math.max(0, (at.query ?? n - 1) + down));
    const key = Math.min(query, Math.max(0, (at.key ?? query) + across));
    this.hover.value = null;
    this.select({ query, key });
  }

  /** The same array as long as it holds the same, so that nothing is drawn twice. */
  #attention(): Float32Array | null {
    const tiles = this.tiles.value;
    tiles.arrived.value;
    if (this.direction.value === "to")
      return tiles.column(this.head.value, this.key.value) ?? this.#pictured();
    const all = tiles.row(this.head.value, this.query.value);
    if (!all) return this.#pictured();
    const count = this.query.value + 1;
    if (this.#row?.all !== all || this.#row.shown.length !== count)
      this.#row = { all, shown: all.subarray(0, count) };
    return this.#row.shown;
  }

  /** Where nobody answers, what the picture says, if each of its cells is of one query and key. */
  #pictured(): Float32Array | null {
    const tile = this.tiles.value.overview(this.head.value, "max");
    if (this.client.alive.value !== "no" || !tile || stride(tile) > 1) return null;
    const [query, key] = [this.query.value, this.key.value];
    const cell =
      this.direction.value === "to"
        ? (i: number) => valueAt(tile, i, key)
        : (i: number) => valueAt(tile, query, i);
    const count = this.direction.value === "to" ? tile.q1 : query + 1;
    return Float32Array.from({ length: count }, (_, i) => cell(i) ?? 0);
  }

  /** The value at which the colour table ends, for a head. */
  vmax(tile: Tile): number {
    return this.params.choice("scale").value === "shared" ? 1 : this.ownMax(tile);
  }

  /** The head's own maximum, but not so little that next to no attention would be the darkest. */
  ownMax(tile: Tile): number {
    let most = tile.scale;
    if (this.params.choice("first").value === "show" && tile.first)
      for (const value of tile.first) if (value > most) most = value;
    return most > LEAST_MAX ? most : LEAST_MAX;
  }

  run(text: string): Promise<void> {
    return this.wish({ kind: "run", text }, "run");
  }

  /** What the kernel does later, and shows then; what is wrong with it is said. */
  async wish(request: Ask, slot: string | null = null): Promise<void> {
    this.complaint.value = null;
    try {
      await this.client.ask(request, slot);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.reason !== "superseded") this.complaint.value = error.message;
    }
  }

  stop(): void {
    this.client.ask({ kind: "stop" }).catch(() => {});
  }

  /** Exact numbers of what is looked at: at once under the pointer, else after the picture. */
  #wantText(): void {
    const { tiles, live } = this.widget.run.value;
    clearTimeout(this.#exact);
    if (!live) return;
    const [head, query, at] = [this.head.value, this.query.value, this.key.value];
    const direction = this.direction.value;
    this.#exact = setTimeout(
      () => {
        if (direction === "from") tiles.wantRow(head, query, this.slot("row"));
        else tiles.wantColumn(head, at, this.slot("column"));
        tiles.wantNext(query, this.slot("next"));
      },
      this.hover.value ? HOVER_MS : SETTLE_MS,
    );
  }
}
