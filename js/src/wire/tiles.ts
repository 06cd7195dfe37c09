// Tiles and exact values of one run of a model: asked for once, kept while there is room.
import { signal } from "@preact/signals";
import type { Body, NextReply, Picture, PicturesBlock, TilePart } from "../contract.gen";
import type { Tile } from "../draw/tile";
import type { HeadAt } from "../model/address";
import { type Ask, type Client, floats, Refusal, UNREADABLE, within } from "./client";
import { Lru } from "./lru";

/** As TensorStore's: a whole matrix at this side is at hand in the kernel, always. */
export const OVERVIEW_SIDE = 256;
const TILE_BYTES = 96 * 2 ** 20;
const EXACT_BYTES = 32 * 2 ** 20;

export type Window = [q0: number, q1: number, k0: number, k1: number];
export type Pooling = "max" | "mean";
type Question = Extract<Ask, { kind: "tiles" | "cells" | "column" | "next" }>;

export class Tiles {
  /** Counts what has arrived: read it to be drawn again. */
  readonly arrived = signal(0);
  /** Why the latest wish for the selected head was not fulfilled. */
  readonly refusal = signal<string | null>(null);
  #tiles = new Lru<Tile>(TILE_BYTES);
  #rows = new Lru<Float32Array>(EXACT_BYTES);
  #columns = new Lru<Float32Array>(EXACT_BYTES);
  #next = new Map<number, NextReply>();
  /** The latest wish of each slot. */
  #underWay = new Map<string, { text: string }>();

  constructor(
    private readonly client: Client,
    readonly run: number,
    readonly n: number,
  ) {}

  get whole(): Window {
    return [0, this.n, 0, this.n];
  }

  /** Forget everything: what is shown next is asked for again. */
  clear(): void {
    for (const kept of [this.#tiles, this.#rows, this.#columns, this.#next]) kept.clear();
  }

  /** A head's whole matrix: the finest there is at hand. */
  overview([layer, head]: HeadAt, pooling: Pooling): Tile | null {
    const finest = this.#tiles.get(key([layer, head], pooling, this.whole, 1024));
    return (
      finest ?? this.#tiles.get(key([layer, head], pooling, this.whole, OVERVIEW_SIDE)) ?? null
    );
  }

  at(head: HeadAt, pooling: Pooling, window: Window, side: number): Tile | null {
    return this.#tiles.get(key(head, pooling, window, side)) ?? null;
  }

  /** What a page without a kernel has. */
  keep(picture: Picture, data: DataView): void {
    if (picture.run !== this.run) return;
    if (!this.keepAll({ ...picture, tiles: [picture.tile] }, data)) return;
    if (picture.next) this.#next.set(picture.next.position, picture.next);
  }

  /** The same, of several heads. */
  keepAll(pictures: Omit<PicturesBlock, "kind" | "name">, data: DataView): boolean {
    if (data.byteLength === 0) return false;
    const kept = readable(() => {
      for (const part of pictures.tiles) {
        const tile = unpack(part, pictures.window, data);
        // Just what the kernel would send.
        const name = key(part.head, pictures.pooling, this.whole, pictures.side);
        // The kernel saves what it was asked for a second ago: that is no other picture.
        if (!same(this.#tiles.get(name), tile)) this.#tiles.set(name, tile, bytesOf(tile));
      }
    });
    if (kept) this.arrived.value = this.arrived.peek() + 1;
    return kept;
  }

  /** Ask for heads' tiles; `also` come along if they cost nothing. */
  async want(
    heads: HeadAt[],
    also: HeadAt[],
    pooling: Pooling,
    window: Window,
    side: number,
    slot: string,
  ): Promise<void> {
    const missing = (at: HeadAt) => !this.#tiles.has(key(at, pooling, window, side));
    const wanted = heads.filter(missing);
    if (wanted.length === 0) {
      this.#tell(slot, null);
      return;
    }
    const extra = also.filter(missing);
    await this.#ask(
      { kind: "tiles", run: this.run, heads: wanted, also: extra, pooling, window, side },
      slot,
      (body, data) => {
        for (const part of body.tiles) {
          const tile = unpack(part, body.window, data);
          const name = key(part.head, body.pooling, body.window, body.side);
          this.#tiles.set(name, tile, bytesOf(tile));
        }
      },
    );
  }

  /** Exact attention of one query, float32 for keys 0 to n - 1; null until it is here. */
  row(head: HeadAt, query: number): Float32Array | null {
    return this.#rows.get(`${head} ${query}`) ?? null;
  }

  async wantRow(head: HeadAt, query: number, slot: string): Promise<void> {
    if (this.row(head, query)) return;
    const window: Window = [query, query + 1, 0, this.n];
    await this.#ask({ kind: "cells", run: this.run, head, window }, slot, (body, data) => {
      const [q0, q1, k0, k1] = body.window;
      for (let q = q0; q < q1; q++) {
        const width = k1 - k0;
        const row = floats(data, (q - q0) * width * 4, width);
        this.#rows.set(`${head} ${q}`, row, row.byteLength);
      }
    });
  }

  /** Exact attention that one key gets from every query. */
  column(head: HeadAt, at: number): Float32Array | null {
    return this.#columns.get(`${head} ${at}`) ?? null;
  }

  async wantColumn(head: HeadAt, at: number, slot: string): Promise<void> {
    if (this.column(head, at)) return;
    await this.#ask({ kind: "column", run: this.run, head, key: at }, slot, (body, data) => {
      const column = floats(data, 0, body.queries);
      this.#columns.set(`${head} ${at}`, column, column.byteLength);
    });
  }

  next(position: number): NextReply | null {
    return this.#next.get(position) ?? null;
  }

  async wantNext(position: number, slot: string): Promise<void> {
    if (this.#next.has(position)) return;
    await this.#ask({ kind: "next", run: this.run, position }, slot, (body) => {
      this.#next.set(position, body);
    });
  }

  /** Ask, unless the slot's latest wish is the same: asking again would cancel it. */
  async #ask<Q extends Question>(
    request: Q,
    slot: string,
    take: (body: Extract<Body, { kind: Q["kind"] }>, data: DataView) => void,
  ): Promise<void> {
    const wish = { text: JSON.stringify({ ...request, also: [] }) };
    if (this.#underWay.get(slot)?.text === wish.text) return;
    this.#underWay.set(slot, wish);
    this.#tell(slot, null);
    try {
      const { body, data } = await this.client.ask(request, slot);
      const taken = readable(() => {
        if (body.kind !== request.kind) throw new TypeError(`${body.kind}, not ${request.kind}`);
        take(body as Extract<Body, { kind: Q["kind"] }>, data);
      });
      if (taken) this.arrived.value = this.arrived.peek() + 1;
      else this.#tell(slot, UNREADABLE);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.reason !== "superseded" && error.reason !== "stale")
        this.#tell(slot, error.message);
    } finally {
      if (this.#underWay.get(slot) === wish) this.#underWay.delete(slot);
    }
  }

  /** Only of the selected head's picture; what else does not come leaves its place empty. */
  #tell(slot: string, refusal: string | null): void {
    if (slot === "tile") this.refusal.value = refusal;
  }
}

/** Whether it could be read: an answer that is not what the contract says is no answer. */
function readable(read: () => void): boolean {
  try {
    read();
    return true;
  } catch (error) {
    console.warn("circuit_widgets: an answer could not be read:", error);
    return false;
  }
}

function bytesOf(tile: Tile): number {
  return tile.data.byteLength + (tile.first?.byteLength ?? 0);
}

function same(a: Tile | undefined, b: Tile): boolean {
  return a?.scale === b.scale && alike(a.data, b.data) && alike(a.first ?? [], b.first ?? []);
}

function alike(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  return a.length === b.length && Array.prototype.every.call(a, (value, i) => value === b[i]);
}

function key(head: HeadAt, pooling: Pooling, window: Window, side: number): string {
  return `${head[0]}.${head[1]} ${pooling} ${window} ${side}`;
}

/** A part of a buffer as a tile; throws a RangeError where the buffer does not hold it. */
export function unpack(part: TilePart, [q0, q1, k0, k1]: Window, view: DataView): Tile {
  const { rows, cols } = part;
  return {
    rows,
    cols,
    q0,
    q1,
    k0,
    k1,
    scale: part.scale,
    // A copy: a view would keep the whole reply alive, beyond the budget.
    data: new Uint8Array(
      view.buffer as ArrayBuffer,
      within(view, part.offset, rows * cols),
      rows * cols,
    ).slice(),
    first: part.first === null ? null : floats(view, part.first, rows).slice(),
  };
}
