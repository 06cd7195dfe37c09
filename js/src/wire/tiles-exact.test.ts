// @vitest-environment happy-dom
// Exact rows and columns, what is expected next, and the picture that was saved.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Picture, Request, TilesReply } from "../contract.gen";
import type { HeadAt } from "../model/address";
import { FakeModel, shifted } from "../test/fake-model";
import { Client } from "./client";
import { OVERVIEW_SIDE, Tiles, type Window } from "./tiles";

const N = 3;
const WHOLE: Window = [0, N, 0, N];

let model: FakeModel;
let abort: AbortController;
let tiles: Tiles;

beforeEach(() => {
  vi.useFakeTimers();
  model = new FakeModel();
  abort = new AbortController();
  tiles = new Tiles(new Client(model.port(abort.signal)), 7, N);
});
afterEach(() => {
  abort.abort();
  vi.useRealTimers();
  vi.restoreAllMocks();
});
const turn = () => vi.advanceTimersByTimeAsync(0);
const asFloats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);

/** A reply with one tile a head; a head's cells are all its index, its first column 0.5, 0.25, 0. */
function reply(heads: HeadAt[], side = OVERVIEW_SIDE): [TilesReply, Uint8Array] {
  // 9 bytes of cells and no padding: the second tile's floats begin at an odd place.
  const each = N * N + 4 * N;
  const data = new Uint8Array(each * heads.length);
  const parts = heads.map(([layer, head], i) => {
    const offset = i * each;
    data.fill(head, offset, offset + N * N);
    data.set(asFloats(0.5, 0.25, 0), offset + N * N);
    const at: [number, number] = [layer, head];
    return { head: at, rows: N, cols: N, scale: 0.5, offset, first: offset + N * N };
  });
  return [{ kind: "tiles", window: WHOLE, pooling: "max", side, tiles: parts }, data];
}
const want = (heads: HeadAt[], also: HeadAt[] = [], slot = "tile", side = OVERVIEW_SIDE) =>
  tiles.want(heads, also, "max", WHOLE, side, slot);
const asked = (kind: Request["kind"]) => model.requests.filter((r) => r.kind === kind).length;
function refuse(request: Request, reason: string, message: string): void {
  model.reply({ kind: "error", client: model.client, id: request.id, reason, message });
}

describe("exact values", () => {
  it("are the buffer's floats, for every row that came", async () => {
    tiles.wantRow([0, 1], 1, "row");
    await turn();
    expect(model.last("cells")).toMatchObject({ run: 7, head: [0, 1], window: [1, 2, 0, N] });
    const values = [0.1, 0, 0, 0.3, 0.7, 0];
    const more = { kind: "cells", head: [0, 1], window: [1, 3, 0, N] };
    model.ok(model.last("cells"), more, asFloats(...values, 99));
    await turn();
    expect([...(tiles.row([0, 1], 1) ?? [])]).toEqual(values.slice(0, 3).map(Math.fround));
    expect([...(tiles.row([0, 1], 2) ?? [])]).toEqual(values.slice(3).map(Math.fround));
    expect(tiles.row([0, 1], 0)).toBeNull();
    expect(tiles.row([0, 2], 1)).toBeNull();
    expect(tiles.arrived.value).toBe(1);
    await tiles.wantRow([0, 1], 2, "row");
    await turn();
    expect(asked("cells")).toBe(1);
  });

  it("are the same array each time, so that nothing is drawn twice", async () => {
    tiles.wantRow([0, 1], 1, "row");
    await turn();
    const one = { kind: "cells", head: [0, 1], window: [1, 2, 0, N] };
    model.ok(model.last("cells"), one, asFloats(1, 2, 3));
    await turn();
    expect(tiles.row([0, 1], 1)).toBe(tiles.row([0, 1], 1));
  });

  it("hold columns, NaN and all", async () => {
    tiles.wantColumn([0, 1], 2, "column");
    await turn();
    expect(model.last("column")).toMatchObject({ run: 7, head: [0, 1], key: 2 });
    const body = { kind: "column", head: [0, 1], key: 2, queries: N };
    model.ok(model.last("column"), body, asFloats(0, Number.NaN, 0.1, 99));
    await turn();
    expect([...(tiles.column([0, 1], 2) ?? [])]).toEqual([0, Number.NaN, Math.fround(0.1)]);
    expect(tiles.column([0, 1], 1)).toBeNull();
    await tiles.wantColumn([0, 1], 2, "column");
    await turn();
    expect(asked("column")).toBe(1);
  });

  it("hold what is expected next, once a position", async () => {
    tiles.wantNext(2, "next");
    await turn();
    const tokens = [{ token: "x", id: 4, probability: 0.5 }];
    model.ok(model.last("next"), { kind: "next", position: 2, tokens, actual: null });
    await turn();
    expect(tiles.next(2)?.tokens).toEqual(tokens);
    expect(tiles.next(1)).toBeNull();
    await tiles.wantNext(2, "next");
    await turn();
    expect(asked("next")).toBe(1);
  });

  it("are not cancelled by being wished for again", async () => {
    for (let i = 0; i < 3; i++) {
      tiles.wantRow([0, 1], 1, "row");
      tiles.wantColumn([0, 1], 1, "column");
      tiles.wantNext(1, "next");
      await turn();
    }
    expect(["cells", "column", "next", "cancel"].map((kind) => asked(kind as never))).toEqual([
      1, 1, 1, 0,
    ]);
    tiles.wantRow([0, 1], 2, "row");
    await turn();
    expect([asked("cells"), asked("cancel")]).toEqual([2, 1]);
  });

  it("stay empty where they are refused, and are asked for again", async () => {
    tiles.wantRow([0, 1], 1, "row");
    await turn();
    refuse(model.last("cells"), "missing", "not kept");
    await turn();
    expect(tiles.row([0, 1], 1)).toBeNull();
    expect(tiles.refusal.value).toBeNull();
    tiles.wantRow([0, 1], 1, "row");
    await turn();
    expect(asked("cells")).toBe(2);
  });
});

describe("the saved picture", () => {
  const [body, data] = reply([[1, 2]]);
  const picture = {
    run: 7,
    window: WHOLE,
    pooling: "max",
    side: OVERVIEW_SIDE,
    tile: body.tiles[0],
    next: { kind: "next", position: 2, tokens: [], actual: null },
  } as Picture;

  it("is the overview where nothing else is, and need not be asked for", async () => {
    tiles.keep(picture, shifted(data));
    expect(tiles.arrived.value).toBe(1);
    expect(tiles.overview([1, 2], "max")).toMatchObject({ rows: N, scale: 0.5 });
    expect([...(tiles.overview([1, 2], "max")?.first ?? [])]).toEqual([0.5, 0.25, 0]);
    expect(tiles.next(2)?.tokens).toEqual([]);
    want([[1, 2]]);
    await turn();
    expect(asked("tiles")).toBe(0);
  });

  it("is the same tile when it is sent again, so that nothing is drawn again", () => {
    tiles.keep(picture, shifted(data));
    const shown = tiles.overview([1, 2], "max");
    tiles.keep(picture, shifted(data));
    expect(tiles.overview([1, 2], "max")).toBe(shown);
    const [, other] = reply([[1, 2]]);
    new Uint8Array(other.buffer).fill(7, other.byteOffset);
    tiles.keep(picture, shifted(other));
    expect(tiles.overview([1, 2], "max")).not.toBe(shown);
  });

  it("is not shown for another run, another head, or without its bytes", () => {
    tiles.keep({ ...picture, run: 6 }, shifted(data));
    tiles.keep(picture, new DataView(new ArrayBuffer(0)));
    expect(tiles.overview([1, 2], "max")).toBeNull();
    expect(tiles.next(2)).toBeNull();
    tiles.keep(picture, shifted(data));
    expect(tiles.overview([2, 1], "max")).toBeNull();
  });
});
