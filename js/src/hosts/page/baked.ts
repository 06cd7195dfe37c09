// Answers in the kernel's place: from the tiles that the page was given, in the kernel's own words.
import type { BakedRun, Body, Fail, PicturesBlock, Request, TilePart } from "../../contract.gen";
import type { Tile } from "../../draw/tile";
import type { HeadAt } from "../../model/address";
import { OVERVIEW_SIDE, type Pooling, unpack, type Window } from "../../wire/tiles";
import { crop, hasPairs, values } from "./crop";

export type Answer =
  | { body: Body; data: Uint8Array<ArrayBuffer> }
  | { reason: Fail["reason"]; message: string };

type Ask<K extends Request["kind"]> = Extract<Request, { kind: K }>;

const NOTHING = new Uint8Array(0);
const NO_KERNEL = "This needs the model. It is not included in this page.";
const NO_MEANS = "Means are not included in this page; the strongest of each cell are.";

export class Baked {
  /** Where a run's pictures begin, too. */
  #runs = new Map<number, { run: BakedRun; base: number }>();

  /** bytes: of all pictures, one block after the other; null: they cannot be read. */
  constructor(
    runs: readonly BakedRun[],
    private readonly bytes: () => Promise<DataView | null>,
  ) {
    let base = 0;
    for (const run of runs) {
      this.#runs.set(run.run, { run, base });
      for (const block of run.pictures) base += bytesOf(block);
    }
  }

  async answer(request: Request): Promise<Answer> {
    switch (request.kind) {
      case "hello":
      case "stop":
      case "ack":
      case "cancel":
        return { body: { kind: "done" }, data: NOTHING };
      case "run":
        return {
          reason: "missing",
          message: "Another text needs the model. It is not included in this page.",
        };
      case "fix":
      case "case":
        return missing(NO_KERNEL);
      case "next":
        return this.#next(request);
    }
    const all = await this.bytes();
    const known = this.#runs.get(request.run);
    if (!all || !known) return missing(NO_KERNEL);
    const { run } = known;
    const data = from(all, known.base);
    if (request.kind === "tiles") return this.#tiles(request, run, data);
    const tile = finest(run, request.head, data);
    if (!tile) return missing(absent(request.head, run));
    if (!hasPairs(tile)) return missing(NO_KERNEL);
    const n = tile.q1;
    if (request.kind === "cells") {
      const { head, window } = request;
      const found = values(tile, window);
      return { body: { kind: "cells", head, window }, data: new Uint8Array(found.buffer) };
    }
    const { head, key } = request;
    const found = values(tile, [0, n, key, key + 1]);
    const body: Body = { kind: "column", head, key, queries: n };
    return { body, data: new Uint8Array(found.buffer) };
  }

  #next({ run, position }: Ask<"next">): Answer {
    const known = this.#runs.get(run)?.run.next.find((reply) => reply.position === position);
    return known ? { body: { ...known, kind: "next" }, data: NOTHING } : missing(NO_KERNEL);
  }

  #tiles(request: Ask<"tiles">, run: BakedRun, data: DataView): Answer {
    const { heads, also, window, side, pooling } = request;
    let refused = "";
    const tiles: [HeadAt, Tile][] = [];
    for (const head of [...heads, ...also]) {
      const tile = tileOf(run, head, window, side, pooling, data);
      if (typeof tile !== "string") tiles.push([head, tile]);
      else refused ||= tile;
    }
    if (tiles.length === 0) return missing(refused);
    const packed = pack(tiles);
    return {
      body: { kind: "tiles", window, pooling, side, tiles: packed.parts },
      data: packed.data,
    };
  }
}

function missing(message: string): Answer {
  return { reason: "missing", message };
}

function absent(head: HeadAt, { absent: why }: BakedRun): string {
  return `Attention of ${head.join(".")} is not included in this page${why ? `: ${why}` : ""}.`;
}

/** The tile as it would come from the kernel, or why not. */
function tileOf(
  run: BakedRun,
  head: HeadAt,
  window: Window,
  side: number,
  pooling: Pooling,
  data: DataView,
): Tile | string {
  const tile = finest(run, head, data);
  if (!tile) return absent(head, run);
  const n = tile.q1;
  const isWhole = window.join() === [0, n, 0, n].join();
  if (hasPairs(tile)) {
    if (isWhole && side >= n) return tile;
    return crop(tile, window, side, pooling);
  }
  if (pooling === "mean") return NO_MEANS;
  // A finer picture than there is would be made up.
  return isWhole && side <= OVERVIEW_SIDE ? tile : absent(head, run);
}

function finest(run: BakedRun, [layer, head]: HeadAt, data: DataView): Tile | null {
  let best: { part: TilePart; window: Window; base: number } | null = null;
  let base = 0;
  for (const block of run.pictures) {
    const part = block.tiles.find(({ head: at }) => at[0] === layer && at[1] === head);
    if (part && (!best || part.rows > best.part.rows)) best = { part, window: block.window, base };
    base += bytesOf(block);
  }
  // Unpacking copies.
  return best && unpack(best.part, best.window, from(data, best.base));
}

function from(data: DataView, base: number): DataView {
  return new DataView(data.buffer, data.byteOffset + base, data.byteLength - base);
}

/** A block's bytes: up to the end of its last tile. */
function bytesOf(block: PicturesBlock): number {
  const last = block.tiles.at(-1);
  if (!last) return 0;
  return last.first === null ? last.offset + last.rows * last.cols : last.first + last.rows * 4;
}

function pack(tiles: readonly [HeadAt, Tile][]): {
  parts: TilePart[];
  data: Uint8Array<ArrayBuffer>;
} {
  const padded = (n: number) => n + ((4 - (n % 4)) % 4);
  const sizes = tiles.map(([, t]) => padded(t.rows * t.cols) + (t.first ? t.rows * 4 : 0));
  const data = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
  let offset = 0;
  const parts = tiles.map(([head, tile], i): TilePart => {
    const { rows, cols, scale } = tile;
    const first = tile.first ? offset + padded(rows * cols) : null;
    data.set(tile.data, offset);
    if (tile.first && first !== null) data.set(new Uint8Array(tile.first.slice().buffer), first);
    const part = { head, rows, cols, scale, offset, first };
    offset += sizes[i] as number;
    return part;
  });
  return { parts, data };
}
