// Where there is little to show: no text, a shorter one, a page that goes away.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Text } from "./contract.gen";
import { Desk } from "./desk";
import { lightTheme } from "./draw/fake-theme";
import { FakeModel } from "./fake-model";

const TEXT: Text = {
  gen: 0,
  model: "toy",
  n_layers: 2,
  n_heads: 2,
  tokens: ["a", "b", "c", "d"],
  prompt: "a b c d",
  has_bos: false,
  seconds: null,
  live: true,
};

function open(text: Partial<Text> = {}) {
  const bytes = new DataView(new ArrayBuffer(0));
  const model = new FakeModel({
    text: { ...TEXT, ...text },
    status: { state: "idle", message: "", done: 0, total: 0 },
    scores: { planes: 0, scores: [] },
    score_data: bytes,
    picture: {},
    picture_data: bytes,
    selected_head: { layer: 0, head: 0 },
    selected_cell: { query: null, key: null },
    options: { score: "x", first: "dim", scale: "head", pooling: "max" },
  });
  const abort = new AbortController();
  return { model, abort, desk: new Desk(model.asModel, abort.signal, lightTheme) };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());
const wait = (ms: number) => vi.advanceTimersByTimeAsync(ms);

it("selects no token where there is none", async () => {
  const { desk, abort } = open({ tokens: [], live: false });
  desk.moveQuery(1);
  desk.moveQuery(-1);
  expect(desk.cell.value).toEqual({ query: null, key: null });
  abort.abort();
});

it("asks for nothing beyond a text that became shorter", async () => {
  const { desk, model, abort } = open();
  desk.direction.value = "to";
  desk.hover.value = { where: "text", query: 3, key: null };
  model.receive({ text: { ...TEXT, gen: 1, tokens: ["a", "b"] } });
  expect([desk.query.value, desk.key.value]).toEqual([1, 1]);
  await wait(100);
  expect(model.last("column")).toMatchObject({ gen: 1, key: 1 });
  abort.abort();
});

it("asks for nothing more once there is no kernel behind the text", async () => {
  const { model, abort } = open();
  await wait(5);
  const before = model.requests.length;
  model.receive({ text: { ...TEXT, live: false } });
  await wait(500);
  expect(model.requests.length).toBe(before);
  abort.abort();
});

it("tells what was selected last before it goes", async () => {
  const { desk, model, abort } = open();
  desk.select({ layer: 1 });
  abort.abort();
  expect(model.saved).toEqual([{ selected_head: { layer: 1, head: 0 } }]);
  await wait(100);
  expect(model.saves).toBe(1);
});
