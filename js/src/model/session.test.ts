// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Request, Run } from "../contract.gen";
import type { FakeModel } from "../test/fake-model";
import { asFloats, KERNEL, openSession } from "../test/fake-session";
import type { Session } from "./session";

let model: FakeModel;
let abort: AbortController;
let session: Session;

function open(text: Partial<Run> = {}) {
  ({ model, abort, session } = openSession(text));
}

beforeEach(() => {
  vi.useFakeTimers();
  open();
});
afterEach(() => {
  abort.abort();
  vi.useRealTimers();
});
const wait = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const asked = (kind: Request["kind"]) => model.requests.filter((r) => r.kind === kind).length;

describe("Session", () => {
  it("asks for the selected head, then for exact numbers, then for what is likely next", async () => {
    await wait(0);
    expect(model.last("tiles")).toMatchObject({ heads: [[1, 2]], run: 0, side: 256 });
    expect(model.last("tiles").also.length).toBeGreaterThan(3);
    await wait(70);
    expect(model.last("cells")).toMatchObject({ head: [1, 2], window: [3, 4, 0, 4] });
    expect(model.last("next").position).toBe(3);
    expect(model.last("tiles").heads.length).toBe(1);
    await wait(100);
    expect(model.last("tiles").heads.length).toBeGreaterThan(1);
  });

  it("asks nothing of a result without a text, or of a page without a kernel", async () => {
    abort.abort();
    open({ live: false });
    await wait(200);
    expect(model.requests.map(({ kind }) => kind)).toEqual(["hello"]);
    session.moveHead(1, 0);
    session.hover.value = { where: "text", query: 1, key: null };
    session.direction.value = "to";
    await wait(500);
    expect(model.requests.length).toBe(1);
    abort.abort();
    open({ tokens: [] });
    await wait(500);
    expect(model.requests.map(({ kind }) => kind)).toEqual(["hello"]);
  });

  it("asks for a clicked head first, then tells the kernel what is selected, once", async () => {
    await wait(500);
    const before = model.requests.length;
    session.moveHead(1, 0);
    expect(model.requests.slice(before).map(({ kind }) => kind)).toContain("tiles");
    expect(model.last("tiles").heads).toEqual([[2, 2]]);
    expect(model.get("selected_head")).toMatchObject({ layer: 2, head: 2 });
    expect(model.saves).toBe(0);
    await wait(20);
    expect(model.saves).toBe(1);
    expect(model.last("cancel").target).toBeLessThan(model.last("tiles").id);
  });

  it("tells the kernel what was selected, and nothing else: Python may be moving it", async () => {
    session.select({ layer: 2 });
    await wait(20);
    session.select({ query: 1, key: 0 });
    await wait(20);
    session.select({ layer: 0, head: 0, query: 2 });
    await wait(20);
    expect(model.saved).toMatchObject([
      { selected_head: { layer: 2, head: 2 } },
      { selected_cell: { query: 1, key: 0 } },
      { selected_head: { layer: 0, head: 0 }, selected_cell: { query: 2, key: 0 } },
    ]);
  });

  it("tells of the last of many selections at once", async () => {
    for (let i = 0; i < 5; i++) session.moveHead(0, i % 2 ? -1 : 1);
    session.moveQuery(-1);
    await wait(20);
    expect(model.saved).toMatchObject([
      { selected_head: { layer: 1, head: 3 }, selected_cell: { query: 2, key: null } },
    ]);
  });

  it("follows what Python selects, without telling it back", async () => {
    await wait(500);
    model.receive({ selected_head: { layer: 0, head: 3, ...KERNEL } });
    model.receive({ selected_cell: { query: 1, key: 1, ...KERNEL } });
    await wait(100);
    expect(session.selection.at).toEqual({ layer: 0, head: 3, query: 1, key: 1 });
    expect(session.head.value).toEqual([0, 3]);
    expect(model.last("tiles").heads).toEqual([[0, 3]]);
    expect(model.last("cells")).toMatchObject({ head: [0, 3], window: [1, 2, 0, 4] });
    expect(model.saves).toBe(0);
  });

  it("saves a choice at once", () => {
    session.params.set("first", "hide");
    expect(model.saved).toMatchObject([{ param_values: { values: { first: "hide" } } }]);
    expect(session.params.choice("first").value).toBe("hide");
  });

  it("asks for what is pooled otherwise", async () => {
    await wait(0);
    session.params.set("pooling", "mean");
    await wait(0);
    expect(model.last("tiles")).toMatchObject({ heads: [[1, 2]], pooling: "mean" });
  });

  it("stays inside the model and the text", () => {
    session.moveHead(5, 9);
    expect(session.head.value).toEqual([2, 3]);
    session.moveQuery(-1);
    expect(session.selection.at.query).toBe(2);
    session.moveQuery(-99);
    expect(session.selection.at.query).toBe(0);
  });

  it("shows what is hovered, else what is pinned, else the last token", () => {
    expect(session.query.value).toBe(3);
    session.select({ query: 1 });
    expect(session.query.value).toBe(1);
    session.hover.value = { where: "text", query: 2, key: null };
    expect(session.query.value).toBe(2);
    expect(session.key.value).toBe(2);
    session.hover.value = null;
    expect(session.query.value).toBe(1);
  });

  it("asks for a neighbour only once nothing else was wanted for a moment", async () => {
    for (let i = 0; i < 6; i++) {
      await wait(100);
      session.moveHead(0, i % 2 ? 1 : -1);
      expect(model.last("tiles").heads.length).toBe(1);
    }
    await wait(200);
    const neighbours = model.last("tiles").heads;
    expect(neighbours.length).toBeGreaterThan(1);
    expect(neighbours.length).toBeLessThanOrEqual(8);
    expect(neighbours).not.toContainEqual(session.head.value);
    for (const [layer, head] of neighbours) {
      expect(layer).toBeLessThan(3);
      expect(head).toBeLessThan(4);
    }
  });

  it("bothers no kernel that does not answer with what is only likely", async () => {
    model.emit("comm_live_update");
    await wait(1000);
    expect(model.requests.filter((r) => r.kind === "tiles" && r.heads.length > 1)).toEqual([]);
  });

  it("asks for exact numbers sooner under the pointer, and only where it rests", async () => {
    await wait(500);
    const before = asked("cells");
    for (const query of [0, 1, 2]) {
      session.hover.value = { where: "matrix", query, key: 0 };
      await wait(5);
    }
    expect(asked("cells")).toBe(before);
    await wait(15);
    expect(asked("cells")).toBe(before + 1);
    expect(model.last("cells").window).toEqual([2, 3, 0, 4]);
  });

  it("asks who looks at a key: hovered, else pinned, else the query", async () => {
    session.direction.value = "to";
    expect(session.key.value).toBe(0);
    session.select({ query: 3 });
    expect(session.key.value).toBe(3);
    session.select({ key: 1 });
    expect(session.key.value).toBe(1);
    session.hover.value = { where: "matrix", query: 3, key: 2 };
    expect(session.key.value).toBe(2);
    await wait(20);
    expect(model.last("column")).toMatchObject({ head: [1, 2], key: 2 });
    const column = { kind: "column", head: [1, 2], key: 2, queries: 4 };
    model.ok(model.last("column"), column, asFloats(0, 0, 0.1, Number.NaN));
    await wait(0);
    expect([...(session.weights.value ?? [])]).toEqual([0, 0, Math.fround(0.1), Number.NaN]);
  });

  it("says why a prompt was not run", async () => {
    session.run("");
    await wait(0);
    const { id } = model.last("run");
    const why = { reason: "invalid", message: "the prompt is empty" };
    model.reply({ kind: "error", client: model.client, id, ...why });
    await wait(0);
    expect(session.complaint.value).toBe("the prompt is empty");
    session.run("a");
    expect(session.complaint.value).toBeNull();
  });

  it("says nothing of a prompt that another one replaced", async () => {
    const first = session.run("a");
    await wait(0);
    session.run("b");
    await first;
    await wait(0);
    expect(session.complaint.value).toBeNull();
    expect(model.last("run").text).toBe("b");
  });

  it("asks the kernel to stop, and survives that it does not", async () => {
    session.stop();
    await wait(0);
    const { id } = model.last("stop");
    const why = { reason: "failed", message: "no" };
    model.reply({ kind: "error", client: model.client, id, ...why });
    await wait(0);
    expect(session.complaint.value).toBeNull();
  });

  it("leaves nothing behind", async () => {
    await wait(10);
    abort.abort();
    expect(model.listeners).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});
