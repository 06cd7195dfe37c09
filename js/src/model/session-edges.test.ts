// Where there is little to show: no text, a shorter one, a page that goes away.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Text } from "../contract.gen";
import { openSession, TEXT } from "../test/fake-session";

const open = (text: Partial<Text> = {}) => openSession({ n_layers: 2, n_heads: 2, ...text });

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());
const wait = (ms: number) => vi.advanceTimersByTimeAsync(ms);

it("selects no token where there is none", async () => {
  const { session, abort } = open({ tokens: [], live: false });
  session.moveQuery(1);
  session.moveQuery(-1);
  expect(session.cell.value).toEqual({ query: null, key: null });
  abort.abort();
});

it("asks for nothing beyond a text that became shorter", async () => {
  const { session, model, abort } = open();
  session.direction.value = "to";
  session.hover.value = { where: "text", query: 3, key: null };
  model.receive({ text: { ...TEXT, gen: 1, tokens: ["a", "b"] } });
  expect([session.query.value, session.key.value]).toEqual([1, 1]);
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
  const { session, model, abort } = open();
  session.select({ layer: 0 });
  abort.abort();
  expect(model.saved).toEqual([{ selected_head: { layer: 0, head: 2 } }]);
  await wait(100);
  expect(model.saves).toBe(1);
});
