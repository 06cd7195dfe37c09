// @vitest-environment happy-dom
// Where there is little to show: no text, a shorter one, a page that goes away.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Run } from "../contract.gen";
import { openSession, runsOf } from "../test/fake-session";

const open = (text: Partial<Run> = {}) => openSession({ n_layers: 2, n_heads: 2, ...text });

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
  model.receive({ runs: runsOf({ id: 1, tokens: ["a", "b"] }) });
  expect([session.query.value, session.key.value]).toEqual([1, 1]);
  await wait(100);
  expect(model.last("column")).toMatchObject({ run: 1, key: 1 });
  abort.abort();
});

it("asks for nothing more once there is no kernel behind the text", async () => {
  const { model, abort } = open();
  await wait(5);
  const before = model.requests.length;
  model.receive({ runs: runsOf({ live: false }) });
  await wait(500);
  expect(model.requests.length).toBe(before);
  abort.abort();
});

it("tells what was selected last before it goes", async () => {
  const { session, model, abort } = open();
  session.select({ layer: 0 });
  abort.abort();
  expect(model.saved).toMatchObject([{ selected_head: { layer: 0, head: 2 } }]);
  await wait(100);
  expect(model.saves).toBe(1);
});
