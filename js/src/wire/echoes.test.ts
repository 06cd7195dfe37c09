import { expect, it } from "vitest";
import { Echoes } from "./echoes";

const said = (layer: number, stamp: { source: string; seq: number }) => ({ layer, ...stamp });

it("takes for late what the page has replaced since, however long ago", () => {
  const echoes = new Echoes("me");
  const first = said(1, echoes.next("head"));
  const second = said(2, echoes.next("head"));
  expect(echoes.isLate("head", first)).toBe(true);
  expect(echoes.isLate("head", second)).toBe(false);
  expect(echoes.isLate("head", first)).toBe(true);
});

it("takes for news what somebody else says, though it is the same", () => {
  const echoes = new Echoes("me");
  const first = said(1, echoes.next("head"));
  echoes.next("head");
  expect(echoes.isLate("head", { ...first, source: "kernel" })).toBe(false);
  expect(echoes.isLate("head", { ...first, source: "another page" })).toBe(false);
});

it("counts each trait by itself, and knows nothing of values without a stamp", () => {
  const echoes = new Echoes("me");
  const head = said(1, echoes.next("head"));
  echoes.next("cell");
  echoes.next("cell");
  expect(echoes.isLate("head", head)).toBe(false);
  for (const value of [null, 7, "x", {}, undefined])
    expect(echoes.isLate("head", value)).toBe(false);
});
