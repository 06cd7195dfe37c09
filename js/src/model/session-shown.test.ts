// @vitest-environment happy-dom
// What is drawn: pictures, exact rows, scores, and where their colours end.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Request, Run } from "../contract.gen";
import type { Tile } from "../draw/tile";
import { type FakeModel, shifted } from "../test/fake-model";
import { asFloats, openSession, runsOf, score, tileOf } from "../test/fake-session";
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

describe("Session", () => {
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
    const picture = { run: 0, window: [0, 4, 0, 4], pooling: "max", side: 256, next: null };
    const whole = { ...picture, tile: body.tiles[0] } as never;
    model.receive({ picture: whole, picture_data: shifted(data) });
    expect(session.tile.value?.data[0]).toBe(9);
    expect([...(session.tile.value?.first ?? [])]).toEqual([1, 0.5, 0.25, 0]);
    model.receive({ runs: runsOf({ id: 1 }) });
    expect(session.tile.value).toBeNull();
  });

  it("starts anew with a new run, and never mixes two", async () => {
    await wait(0);
    const old = model.last("tiles") as Request;
    model.receive({ runs: runsOf({ id: 1, tokens: ["x", "y"] }) });
    await wait(50);
    expect(model.last("tiles")).toMatchObject({ run: 1, window: [0, 2, 0, 2] });
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
        version: 1,
        scores: { planes: 1, scores: [score("x")] },
        buffers: ["scores"],
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
    // A head with next to nothing is not to look like one with much.
    expect(session.vmax({ ...tile, scale: 0.02, first: null })).toBe(0.1);
    expect(session.vmax({ ...tile, scale: Number.NaN, first: null })).toBe(0.1);
    session.params.set("first", "hide");
    expect(session.vmax({ ...tile, scale: 0 })).toBe(0.1);
  });
});
