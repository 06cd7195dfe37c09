// @vitest-environment happy-dom
import { expect, it } from "vitest";
import type { Tile } from "../../draw/tile";
import { crop, values } from "./crop";

// Four tokens: the first one's column apart, nothing after the query.
const WHOLE: Tile = {
  ...{ rows: 4, cols: 4, q0: 0, q1: 4, k0: 0, k1: 4, scale: 1 },
  data: new Uint8Array([0, 0, 0, 0, 0, 51, 0, 0, 0, 102, 255, 0, 0, 0, 51, 204]),
  first: new Float32Array([1, 0.5, 0.25, 0.125]),
};

it("cuts a window out", () => {
  const tile = crop(WHOLE, [2, 4, 1, 4], 256, "max");
  expect([tile.rows, tile.cols, tile.first, tile.scale]).toEqual([2, 3, null, 1]);
  expect([...tile.data]).toEqual([102, 255, 0, 0, 51, 204]);
});

it("pools as the kernel does: the strongest, or the mean over causal pairs", () => {
  const most = crop(WHOLE, [0, 4, 0, 4], 2, "max");
  expect([...most.data]).toEqual([51, 0, 102, 255]);
  expect([...(most.first ?? [])]).toEqual([1, 0.25]);
  const mean = crop(WHOLE, [0, 4, 0, 4], 2, "mean");
  // Of the last cell three pairs are causal: 1, 0.2, 0.8.
  expect(mean.scale).toBeCloseTo(2 / 3);
  expect([...mean.data].map((byte) => (byte * mean.scale) / 255)).toEqual(
    [0.2, 0, 0.2, 2 / 3].map((v) => expect.closeTo(v, 2)),
  );
  expect([...(mean.first ?? [])]).toEqual([0.75, 0.1875]);
});

it("has the values of whole rows and columns", () => {
  expect([...values(WHOLE, [2, 3, 0, 4])]).toEqual([0.25, 0.4, 1, 0].map(Math.fround));
  expect([...values(WHOLE, [0, 4, 2, 3])]).toEqual([0, 0, 1, 0.2].map(Math.fround));
});
