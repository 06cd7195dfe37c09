import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Request, Text } from "./contract.gen";
import { Desk } from "./desk";
import { lightTheme } from "./draw/fake-theme";
import type { Tile } from "./draw/tile";
import { FakeModel } from "./fake-model";

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
let desk: Desk;

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
  desk = new Desk(model.asModel, abort.signal, lightTheme);
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

describe("Desk", () => {
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
  });

  it("asks for a clicked head first, then tells the kernel what is selected, once", async () => {
    await wait(500);
    const before = model.requests.length;
    desk.moveHead(1, 0);
    expect(model.requests.slice(before).map(({ kind }) => kind)).toContain("tiles");
    expect(model.last("tiles").heads).toEqual([[2, 2]]);
    expect(model.get("selected_head")).toMatchObject({ layer: 2, head: 2 });
    expect(model.saves).toBe(0);
    await wait(20);
    expect(model.saves).toBe(1);
    expect(model.last("cancel").target).toBeLessThan(model.last("tiles").id);
  });

  it("stays inside the model and the text", () => {
    desk.moveHead(5, 9);
    expect(desk.head.value).toEqual([2, 3]);
    desk.moveQuery(-1);
    expect(desk.selection.value.query).toBe(2);
    desk.moveQuery(-99);
    expect(desk.selection.value.query).toBe(0);
  });

  it("shows what is hovered, else what is pinned, else the last token", () => {
    expect(desk.query.value).toBe(3);
    desk.select({ query: 1 });
    expect(desk.query.value).toBe(1);
    desk.hover.value = { where: "text", query: 2, key: null };
    expect(desk.query.value).toBe(2);
    expect(desk.key.value).toBe(2);
    desk.hover.value = null;
    expect(desk.query.value).toBe(1);
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
    expect(desk.tile.value).toBeNull();
    expect(desk.query.value).toBe(1);
  });

  it("takes scores on their way, and what is missing stays missing", () => {
    const about = { name: "x", label: "X", about: "", group: "g", source: "", chance: null };
    const score = { ...about, least: 0, most: 1, value: 0, control: null, low: null, high: null };
    const values = new Float32Array(12).fill(Number.NaN);
    values[5] = 0.5;
    model.reply(
      {
        kind: "push",
        seq: 1,
        status: { state: "running", message: "", done: 1, total: 2 },
        scores: { planes: 1, scores: [score] },
      },
      new Uint8Array(values.buffer),
    );
    expect(desk.status.value.state).toBe("running");
    expect(desk.plane.value?.value[5]).toBe(0.5);
    expect(desk.plane.value?.value[4]).toBeNaN();
  });

  it("shows no scores where their bytes are missing", () => {
    const about = { name: "x", label: "X", about: "", group: "g", source: "", chance: null };
    const score = { ...about, least: 0, most: 1, value: 0, control: null, low: null, high: null };
    model.receive({ scores: { planes: 1, scores: [score] } });
    expect(desk.planes.value).toEqual([]);
  });

  it("ends colours at the head's own maximum, with the first token only where it is shown", () => {
    const tile = { scale: 0.4, first: Float32Array.from([0.9, 0.2]) } as Tile;
    expect(desk.vmax(tile)).toBe(0.4);
    desk.set({ first: "show" });
    expect(desk.vmax(tile)).toBeCloseTo(0.9);
    desk.set({ scale: "shared" });
    expect(desk.vmax(tile)).toBe(1);
  });

  it("says why a prompt was not run", async () => {
    desk.run("");
    await wait(0);
    const { id } = model.last("run");
    const why = { reason: "invalid", message: "the prompt is empty" };
    model.reply({ kind: "error", client: model.client, id, ...why });
    await wait(0);
    expect(desk.complaint.value).toBe("the prompt is empty");
    desk.run("a");
    expect(desk.complaint.value).toBeNull();
  });

  it("leaves nothing behind", async () => {
    await wait(10);
    abort.abort();
    expect(model.listeners).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});
