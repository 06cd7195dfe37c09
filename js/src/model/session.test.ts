import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Request, Score, Text } from "../contract.gen";
import type { Tile } from "../draw/tile";
import { FakeModel, shifted } from "../test/fake-model";
import type { Session } from "./session";

const TEXT: Text = {
  gen: 0,
  model: "toy",
  n_layers: 3,
  n_heads: 4,
  tokens: ["a", "b", "c", "d"],
  prompt: "a b c d",
  has_bos: false,
  seconds: 0.1,
  live: true,
};
const empty = () => new DataView(new ArrayBuffer(0));
let model: FakeModel;
let abort: AbortController;
let session: Session;

function open(text: Partial<Text> = {}) {
  model = new FakeModel({
    text: { ...TEXT, ...text },
    status: { state: "idle", message: "", done: 0, total: 0 },
    scores: { planes: 0, scores: [] },
    score_data: empty(),
    picture: {},
    picture_data: empty(),
    selected_head: { layer: 1, head: 2 },
    selected_cell: { query: null, key: null },
    options: { score: "x", first: "dim", scale: "head", pooling: "max" },
  });
  abort = new AbortController();
  session = model.session(abort.signal);
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
const asFloats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);

/** What the kernel would say of a head: 4 x 4 cells of one byte, the first token's column apart. */
function tileOf(head: [number, number], byte: number): [object, Uint8Array] {
  const data = new Uint8Array(32).fill(byte, 0, 16);
  data.set(asFloats(1, 0.5, 0.25, 0), 16);
  const part = { head, rows: 4, cols: 4, scale: 0.4, offset: 0, first: 16 };
  const window = [0, 4, 0, 4];
  return [{ kind: "tiles", window, pooling: "max", side: 256, tiles: [part] }, data];
}

function score(name: string, planes: Partial<Score> = {}): Score {
  const about = { label: name, about: "", group: "g", source: "", chance: null };
  const none = { control: null, low: null, high: null, bar: null };
  return { name, ...about, least: 0, most: 1, value: 0, ...none, ...planes };
}

describe("Session", () => {
  it("asks for the selected head, then for exact numbers, then for what is likely next", async () => {
    await wait(0);
    expect(model.last("tiles")).toMatchObject({ heads: [[1, 2]], gen: 0, side: 256 });
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
    expect(model.saved).toEqual([
      { selected_head: { layer: 2, head: 2 } },
      { selected_cell: { query: 1, key: 0 } },
      { selected_head: { layer: 0, head: 0 }, selected_cell: { query: 2, key: 0 } },
    ]);
  });

  it("tells of the last of many selections at once", async () => {
    for (let i = 0; i < 5; i++) session.moveHead(0, i % 2 ? -1 : 1);
    session.moveQuery(-1);
    await wait(20);
    expect(model.saved).toEqual([
      { selected_head: { layer: 1, head: 3 }, selected_cell: { query: 2, key: null } },
    ]);
  });

  it("follows what Python selects, without telling it back", async () => {
    await wait(500);
    model.receive({ selected_head: { layer: 0, head: 3 } });
    model.receive({ selected_cell: { query: 1, key: 1 } });
    await wait(100);
    expect(session.selection.at).toEqual({ layer: 0, head: 3, query: 1, key: 1 });
    expect(session.head.value).toEqual([0, 3]);
    expect(model.last("tiles").heads).toEqual([[0, 3]]);
    expect(model.last("cells")).toMatchObject({ head: [0, 3], window: [1, 2, 0, 4] });
    expect(model.saves).toBe(0);
  });

  it("saves a choice at once", () => {
    session.params.set("first", "hide");
    expect(model.saved).toEqual([
      { options: { score: "x", first: "hide", scale: "head", pooling: "max" } },
    ]);
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

  it("shows a query's exact attention up to itself, and the same array as long as it is", async () => {
    session.select({ query: 1 });
    await wait(70);
    const row = { kind: "cells", head: [1, 2], window: [1, 3, 0, 4] };
    model.ok(model.last("cells"), row, asFloats(0.1, 0.9, 0, 0, 0.2, 0.3, 0.5, 0));
    await wait(0);
    const shown = session.weights.value;
    expect([...(shown ?? [])]).toEqual([0.1, 0.9].map(Math.fround));
    model.ok(model.last("tiles"), ...tileOf([1, 2], 9));
    await wait(0);
    expect(session.weights.value).toBe(shown);
    session.select({ query: 2 });
    expect([...(session.weights.value ?? [])]).toEqual([0.2, 0.3, 0.5].map(Math.fround));
  });

  it("keeps the last picture for a moment, not longer", async () => {
    await wait(0);
    expect(session.picture.value).toBeNull();
    model.ok(model.last("tiles"), ...tileOf([1, 2], 9));
    await wait(0);
    expect(session.picture.value?.data[0]).toBe(9);
    session.moveHead(1, 0);
    expect(session.tile.value).toBeNull();
    expect(session.picture.value?.data[0]).toBe(9);
    await wait(200);
    expect(session.picture.value).toBeNull();
    model.ok(model.last("tiles"), ...tileOf([2, 2], 5));
    await wait(200);
    expect(session.picture.value?.data[0]).toBe(5);
  });

  it("shows the saved picture of this text, without a kernel", async () => {
    abort.abort();
    open({ live: false });
    const [body, data] = tileOf([1, 2], 9) as [{ tiles: object[] }, Uint8Array];
    const picture = { gen: 0, window: [0, 4, 0, 4], pooling: "max", side: 256, next: null };
    const whole = { ...picture, tile: body.tiles[0] } as never;
    model.receive({ picture: whole, picture_data: shifted(data) });
    expect(session.tile.value?.data[0]).toBe(9);
    expect([...(session.tile.value?.first ?? [])]).toEqual([1, 0.5, 0.25, 0]);
    model.receive({ text: { ...TEXT, gen: 1 } });
    expect(session.tile.value).toBeNull();
  });

  it("starts anew with a new run, and never mixes two", async () => {
    await wait(0);
    const old = model.last("tiles") as Request;
    model.receive({ text: { ...TEXT, gen: 1, tokens: ["x", "y"] } });
    await wait(50);
    expect(model.last("tiles")).toMatchObject({ gen: 1, window: [0, 2, 0, 2] });
    const body = { kind: "tiles", window: [0, 4, 0, 4], pooling: "max", side: 256, tiles: [] };
    model.ok(old, body);
    await wait(0);
    expect(session.tile.value).toBeNull();
    expect(session.query.value).toBe(1);
  });

  it("takes scores on their way, and what is missing stays missing", () => {
    const values = new Float32Array(12).fill(Number.NaN);
    values[5] = 0.5;
    model.reply(
      {
        kind: "push",
        seq: 1,
        status: { state: "running", message: "", done: 1, total: 2 },
        scores: { planes: 1, scores: [score("x")] },
      },
      new Uint8Array(values.buffer),
    );
    expect(session.status.value.state).toBe("running");
    expect(session.plane.value?.value[5]).toBe(0.5);
    expect(session.plane.value?.value[4]).toBeNaN();
    expect(session.plane.value?.value.length).toBe(12);
  });

  it("keeps its scores where a push has none", () => {
    const data = shifted(new Uint8Array(new Float32Array(12).fill(0.25).buffer));
    model.receive({ scores: { planes: 1, scores: [score("x")] }, score_data: data });
    const status = { state: "running", message: "m", done: 1, total: 2 };
    model.reply({ kind: "push", seq: 1, status, scores: null });
    expect(session.status.value.message).toBe("m");
    expect(session.plane.value?.value[0]).toBe(0.25);
  });

  it("reads each plane from its place, wherever the bytes lie", () => {
    const data = Float32Array.from({ length: 48 }, (_, i) => (i === 13 ? Number.NaN : i));
    const scores = [score("y"), score("x", { value: 1, control: 0, low: 3, high: 2 })];
    model.receive({
      scores: { planes: 4, scores },
      score_data: shifted(new Uint8Array(data.buffer)),
    });
    const [y, x] = session.planes.value;
    expect(session.plane.value).toBe(x);
    expect([y?.control, y?.low, y?.high]).toEqual([null, null, null]);
    expect([y?.value[0], y?.value[11]]).toEqual([0, 11]);
    expect([x?.value[0], x?.value[1], x?.value[2]]).toEqual([12, Number.NaN, 14]);
    expect([x?.control?.[11], x?.low?.[0], x?.high?.[0]]).toEqual([11, 36, 24]);
  });

  it("shows another score where the chosen one does not exist", () => {
    expect(session.plane.value).toBeNull();
    const data = shifted(new Uint8Array(48));
    model.receive({ scores: { planes: 1, scores: [score("y")] }, score_data: data });
    expect(session.plane.value?.about.name).toBe("y");
  });

  it("shows no scores where their bytes are missing", () => {
    model.receive({ scores: { planes: 1, scores: [score("x")] } });
    expect(session.planes.value).toEqual([]);
    model.receive({ score_data: shifted(new Uint8Array(47)) });
    expect(session.planes.value).toEqual([]);
    model.receive({ score_data: null as never });
    expect(session.planes.value).toEqual([]);
  });

  it("ends colours at the head's own maximum, with the first token only where it is shown", () => {
    const tile = { scale: 0.4, first: Float32Array.from([0.9, 0.2]) } as Tile;
    expect(session.vmax(tile)).toBe(0.4);
    session.params.set("first", "show");
    expect(session.vmax(tile)).toBeCloseTo(0.9);
    session.params.set("scale", "shared");
    expect(session.vmax(tile)).toBe(1);
  });

  it("ends colours at a first token only where it is the highest, and never at nothing", () => {
    const tile = { scale: 0.4, first: Float32Array.from([0.1, 0.2]) } as Tile;
    session.params.set("first", "show");
    expect(session.vmax(tile)).toBe(0.4);
    expect(session.vmax({ ...tile, first: null })).toBe(0.4);
    expect(session.vmax({ ...tile, scale: 0, first: null })).toBe(1);
    expect(session.vmax({ ...tile, scale: Number.NaN, first: null })).toBe(1);
    session.params.set("first", "hide");
    expect(session.vmax({ ...tile, scale: 0 })).toBe(1);
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
