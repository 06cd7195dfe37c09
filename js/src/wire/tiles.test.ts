// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Picture, Request, TilesReply } from "../contract.gen";
import { valueAt } from "../draw/tile";
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

describe("tiles", () => {
  it("asks for what is missing, of its own run, and keeps what comes along", async () => {
    want([[0, 1]], [[0, 2]]);
    await turn();
    expect(model.last("tiles")).toMatchObject({
      run: 7,
      heads: [[0, 1]],
      also: [[0, 2]],
      window: WHOLE,
      side: OVERVIEW_SIDE,
    });
    const both: HeadAt[] = [
      [0, 1],
      [0, 2],
    ];
    model.ok(model.last("tiles"), ...reply(both));
    await turn();
    expect(tiles.arrived.value).toBe(1);
    expect(tiles.overview([0, 2], "max")?.data[4]).toBe(2);
    want([...both, [1, 0]], both);
    await turn();
    expect(model.last("tiles")).toMatchObject({ heads: [[1, 0]], also: [] });
  });

  it("asks nothing where everything is here", async () => {
    want([[0, 1]]);
    await turn();
    model.ok(model.last("tiles"), ...reply([[0, 1]]));
    await turn();
    await want([[0, 1]], [[5, 5]]);
    await turn();
    expect(asked("tiles")).toBe(1);
  });

  it("keeps apart what is pooled otherwise, in another window, or of another side", async () => {
    want([[0, 1]]);
    await turn();
    model.ok(model.last("tiles"), ...reply([[0, 1]]));
    await turn();
    expect(tiles.overview([0, 1], "mean")).toBeNull();
    expect(tiles.overview([1, 0], "max")).toBeNull();
    expect(tiles.at([0, 1], "max", [0, 2, 0, 2], OVERVIEW_SIDE)).toBeNull();
    expect(tiles.at([0, 1], "max", WHOLE, 128)).toBeNull();
    expect(tiles.at([0, 1], "max", WHOLE, OVERVIEW_SIDE)).not.toBeNull();
  });

  it("reads cells and the first column wherever they lie in memory", async () => {
    want([[0, 1]]);
    await turn();
    model.ok(
      model.last("tiles"),
      ...reply([
        [0, 1],
        [0, 2],
      ]),
    );
    await turn();
    for (const head of [1, 2]) {
      const tile = tiles.overview([0, head], "max");
      if (!tile) throw new Error("no tile");
      expect([...(tile.first ?? [])]).toEqual([0.5, 0.25, 0]);
      expect([...tile.data]).toEqual(Array(N * N).fill(head));
      expect(valueAt(tile, 2, 1)).toBe((head * 0.5) / 255);
      expect(tile).toMatchObject({ q0: 0, q1: N, k0: 0, k1: N });
      // A copy, not the message.
      expect(tile.data.buffer.byteLength).toBe(N * N);
      expect(tile.first?.buffer.byteLength).toBe(4 * N);
    }
  });

  it("has no first column in a window without it", async () => {
    const window: Window = [1, 3, 1, 3];
    tiles.want([[0, 1]], [], "max", window, 64, "refine");
    await turn();
    const part = { head: [0, 1], rows: 2, cols: 2, scale: 1, offset: 0, first: null };
    const body = { kind: "tiles", window, pooling: "max", side: 64, tiles: [part] };
    model.ok(model.last("tiles"), body, Uint8Array.of(1, 0, 2, 3));
    await turn();
    const tile = tiles.at([0, 1], "max", window, 64);
    expect(tile).toMatchObject({ first: null, q0: 1, k0: 1 });
    expect([...(tile?.data ?? [])]).toEqual([1, 0, 2, 3]);
  });

  it("does not ask again for what is under way, and lets go of it for another head", async () => {
    want([[0, 1]]);
    await turn();
    want([[0, 1]]);
    await turn();
    expect(asked("tiles")).toBe(1);
    want([[1, 1]]);
    await turn();
    expect(asked("cancel")).toBe(1);
    expect(model.last("tiles").heads).toEqual([[1, 1]]);
  });

  it("still knows what is under way after two changes of mind in one turn", async () => {
    for (const head of [0, 1, 0]) want([[0, head]]);
    await turn();
    want([[0, 0]]);
    await turn();
    expect(asked("tiles")).toBe(1);
    expect(asked("cancel")).toBe(0);
  });

  it("asks for neighbours without letting go of the selected head", async () => {
    want([[0, 1]]);
    want([[0, 2]], [], "prefetch");
    await turn();
    expect([asked("tiles"), asked("cancel")]).toEqual([2, 0]);
  });

  it("forgets everything", async () => {
    want([[0, 1]]);
    await turn();
    model.ok(model.last("tiles"), ...reply([[0, 1]]));
    await turn();
    tiles.clear();
    expect(tiles.overview([0, 1], "max")).toBeNull();
    want([[0, 1]]);
    await turn();
    expect(asked("tiles")).toBe(2);
  });
});

describe("refusal", () => {
  it("says why the selected head is not here, and asks again when it is wished for again", async () => {
    want([[0, 1]]);
    await turn();
    refuse(model.last("tiles"), "missing", "not kept");
    await turn();
    expect(tiles.refusal.value).toBe("not kept");
    want([[0, 1]]);
    await turn();
    expect(asked("tiles")).toBe(2);
    model.ok(model.last("tiles"), ...reply([[0, 1]]));
    await turn();
    expect(tiles.refusal.value).toBeNull();
  });

  it.each(["superseded", "stale"])("says nothing of what is %s", async (reason) => {
    want([[0, 1]]);
    await turn();
    refuse(model.last("tiles"), reason, "late");
    await turn();
    expect(tiles.refusal.value).toBeNull();
  });

  it("does not speak of neighbours", async () => {
    want([[0, 1]], [], "prefetch");
    await turn();
    refuse(model.last("tiles"), "missing", "not kept");
    await turn();
    expect(tiles.refusal.value).toBeNull();
  });

  it("stays when neighbours come", async () => {
    want([[0, 1]]);
    await turn();
    refuse(model.last("tiles"), "missing", "not kept");
    want([[0, 2]], [], "prefetch");
    await turn();
    model.ok(model.last("tiles"), ...reply([[0, 2]]));
    await turn();
    expect(tiles.refusal.value).toBe("not kept");
  });

  it("is not said of the next head", async () => {
    want([[0, 2]], [], "prefetch");
    want([[0, 1]]);
    await turn();
    const [neighbour, selected] = model.requests as [Request, Request];
    model.ok(neighbour, ...reply([[0, 2]]));
    refuse(selected, "missing", "not kept");
    await turn();
    want([[0, 2]]);
    expect(tiles.refusal.value).toBeNull();
  });
});

describe("answers that cannot be read", () => {
  beforeEach(() => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
  });
  const part = { head: [0, 1], rows: N, cols: N, scale: 1, offset: 0, first: 9 };
  const body = { kind: "tiles", window: WHOLE, pooling: "max", side: OVERVIEW_SIDE };

  it.each([
    ["short", { ...body, tiles: [part] }],
    ["without tiles", body],
    ["of another kind", { kind: "done" }],
    ["with cells before the buffer", { ...body, tiles: [{ ...part, offset: -3, first: null }] }],
  ])("do no harm: %s", async (_, content) => {
    want([[0, 1]]);
    await turn();
    model.ok(model.last("tiles"), content, new Uint8Array(10));
    await turn();
    expect(tiles.overview([0, 1], "max")).toBeNull();
    expect(tiles.refusal.value).not.toBeNull();
    want([[0, 1]]);
    await turn();
    model.ok(model.last("tiles"), ...reply([[0, 1]]));
    await turn();
    expect(tiles.overview([0, 1], "max")).not.toBeNull();
    expect(tiles.refusal.value).toBeNull();
  });

  it("leave rows and columns empty", async () => {
    tiles.wantRow([0, 1], 1, "row");
    tiles.wantColumn([0, 1], 1, "column");
    tiles.wantNext(1, "next");
    await turn();
    model.ok(model.last("cells"), { kind: "cells", head: [0, 1], window: [0, N, 0, N] });
    model.ok(model.last("column"), { kind: "column", head: [0, 1], key: 1, queries: N });
    model.ok(model.last("next"), { kind: "done" });
    await turn();
    expect(tiles.row([0, 1], 1)).toBeNull();
    expect(tiles.column([0, 1], 1)).toBeNull();
    expect(tiles.next(1)).toBeNull();
  });

  it("leave a saved page without a picture", () => {
    const picture = { run: 7, window: WHOLE, pooling: "max", side: OVERVIEW_SIDE, tile: part };
    tiles.keep({ ...picture, next: null } as Picture, shifted(new Uint8Array(10)));
    expect(tiles.overview([0, 1], "max")).toBeNull();
  });
});
