// @vitest-environment happy-dom
// A text longer than a tile: every head pooled, some of them pair by pair.
import { expect, it } from "vitest";
import type { BakedRun, Request } from "../../contract.gen";
import { Baked } from "./baked";

const N = 512;
const WINDOW: [number, number, number, number] = [0, N, 0, N];

/** Head 0.0 pooled and whole, head 0.1 only pooled. */
function fake(): Baked {
  const pooled = { rows: 256, cols: 256, scale: 1, first: null };
  const whole = { rows: N, cols: N, scale: 1, first: null };
  const run: BakedRun = {
    run: 3,
    pictures: [
      {
        ...{ kind: "pictures", name: "tiles.256", window: WINDOW, pooling: "max", side: 256 },
        tiles: [
          { ...pooled, head: [0, 0], offset: 0 },
          { ...pooled, head: [0, 1], offset: 65536 },
        ],
      },
      {
        ...{ kind: "pictures", name: "tiles.1024", window: WINDOW, pooling: "max", side: 1024 },
        tiles: [{ ...whole, head: [0, 0], offset: 0 }],
      },
    ],
    next: [],
    absent: "",
  };
  const data = new Uint8Array(2 * 65536 + N * N);
  data.fill(7, 0, 65536).fill(8, 65536, 2 * 65536);
  // Pair by pair: the diagonal.
  for (let q = 1; q < N; q++) data[2 * 65536 + q * N + q] = 255;
  return new Baked([run], async () => new DataView(data.buffer));
}

const tiles = (head: [number, number], rest: object = {}): Request => ({
  ...{
    kind: "tiles",
    id: 1,
    run: 3,
    heads: [head],
    also: [],
    pooling: "max",
    window: WINDOW,
    side: 256,
  },
  ...rest,
});

it("pools a head that it has pair by pair, in any window and both ways", async () => {
  const store = fake();
  const found = await store.answer(tiles([0, 0]));
  if (!("body" in found)) throw new Error(found.message);
  expect(found.data[0]).toBe(255);
  expect(found.data[1]).toBe(0);
  const fine = await store.answer(tiles([0, 0], { window: [10, 14, 10, 14], side: 512 }));
  expect("data" in fine && [...fine.data.subarray(0, 6)]).toEqual([255, 0, 0, 0, 0, 255]);
  const mean = await store.answer(tiles([0, 0], { pooling: "mean" }));
  expect("body" in mean && mean.body.kind === "tiles" && mean.body.tiles[0]?.scale).toBeCloseTo(1);
});

it("has no more of a pooled head than it was given, and says so", async () => {
  const store = fake();
  const found = await store.answer(tiles([0, 1]));
  expect("data" in found && found.data[5]).toBe(8);
  const asks: [Request, string][] = [
    [tiles([0, 1], { pooling: "mean" }), "Means are not included in this page"],
    [tiles([0, 1], { window: [0, 64, 0, 64] }), "Attention of 0.1 is not included"],
    [{ kind: "cells", id: 2, run: 3, head: [0, 1], window: [5, 6, 0, N] }, "not included"],
    [{ kind: "next", id: 3, run: 3, position: 4 }, "not included in this page"],
    [{ kind: "cells", id: 4, run: 9, head: [0, 0], window: [5, 6, 0, N] }, "not included"],
  ];
  for (const [ask, said] of asks) {
    const answer = await store.answer(ask);
    expect("message" in answer && answer.message).toContain(said);
  }
});
