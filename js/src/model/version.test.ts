// @vitest-environment happy-dom
// One version orders what comes on its way and what the traits say.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { fakeTable } from "../test/fake-blocks";
import type { FakeModel } from "../test/fake-model";
import { openSession, score } from "../test/fake-session";
import type { Session } from "./session";

let model: FakeModel;
let abort: AbortController;
let session: Session;

beforeEach(() => {
  vi.useFakeTimers();
  ({ model, abort, session } = openSession());
});
afterEach(() => {
  abort.abort();
  vi.useRealTimers();
});

const status = { state: "running", message: "", done: 1, total: 2 };
const planes = (value: number) => new Uint8Array(new Float32Array(12).fill(value).buffer);
const scores = { planes: 1, scores: [score("x")] };

function push(version: number, value: number): void {
  const content = { kind: "push", seq: version, version, status, scores, buffers: ["scores"] };
  model.reply(content, planes(value));
}
const told = (version: number, value: number) =>
  model.receive({ version, scores, score_data: new DataView(planes(value).buffer) });
const shown = () => session.plane.value?.value[0];

it("does not show a push that is older than what the traits say", () => {
  push(1, 0.25);
  expect(shown()).toBe(0.25);
  told(3, 1);
  push(2, 0.5);
  expect(shown()).toBe(1);
  push(4, 0.75);
  expect(shown()).toBe(0.75);
});

it("shows what the traits say also where they said the same before", () => {
  told(1, 1);
  push(2, 0.5);
  expect(shown()).toBe(0.5);
  // Equal values are not sent again; the version is.
  model.receive({ version: 3 });
  expect(shown()).toBe(1);
});

it("shows scores and topic of one push, each with its own bytes", () => {
  const { info, data } = fakeTable("pairs", { value: { numbers: [0.5] } });
  const topic = { kind: "fake", scalars: {}, blocks: [info] };
  model.reply(
    { kind: "push", seq: 1, version: 1, status, scores, topic, buffers: ["scores", "pairs"] },
    planes(0.25),
    new Uint8Array(data.buffer),
  );
  expect(shown()).toBe(0.25);
  expect([...(session.topic.value?.table("pairs")?.numbers("value") ?? [])]).toEqual([0.5]);
});

it("does not let a late echo undo a selection, however late it comes", async () => {
  session.select({ layer: 0, head: 0 });
  const first = model.get("selected_head");
  session.select({ layer: 2, head: 3 });
  await vi.advanceTimersByTimeAsync(60_000);
  model.receive({ selected_head: first });
  expect(session.head.value).toEqual([2, 3]);
  model.receive({ selected_head: { ...first, source: "kernel" } });
  expect(session.head.value).toEqual([0, 0]);
});

it("knows which part selected, and when it was the kernel", () => {
  session.select({ layer: 0, head: 0 }, "grid");
  expect(session.selection.heads.value).toEqual({ value: [[0, 0]], source: "grid" });
  model.receive({ selected_head: { layer: 1, head: 1, source: "kernel", seq: 0 } });
  expect(session.selection.heads.value).toEqual({ value: [[1, 1]], source: "kernel" });
  session.selection.setEdge({ sender: [0, 1], receiver: [2, 3] }, "table");
  expect(session.selection.edge.value.source).toBe("table");
  expect(model.get("selected_edge")).toMatchObject({ sender: [0, 1], receiver: [2, 3] });
});
