// @vitest-environment happy-dom
// Silence, loss and the end: what becomes of what was asked.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Request } from "../contract.gen";
import { FakeModel, shifted } from "../test/fake-model";
import { Client, floats, Refusal } from "./client";

const NEXT = { kind: "next", run: 0, position: 0 } as const;
const DONE = { kind: "done" };

let model: FakeModel;
let abort: AbortController;
let client: Client;

beforeEach(() => {
  vi.useFakeTimers();
  model = new FakeModel();
  abort = new AbortController();
  client = new Client(model.port(abort.signal));
});
afterEach(() => {
  abort.abort();
  vi.useRealTimers();
});
const turn = () => vi.advanceTimersByTimeAsync(0);
const reason = (promise: Promise<unknown>) =>
  promise.then(
    () => "answered",
    (error: unknown) => (error instanceof Refusal ? error.reason : "other"),
  );

describe("Client", () => {
  it("sends others in the place of what was never answered, and still takes its answer", async () => {
    const lost = Array.from({ length: 6 }, () => client.ask(NEXT));
    for (const asked of lost) asked.catch(() => {});
    await turn();
    // The kernel lives: only these were dropped on the way.
    client.ask({ kind: "stop" }, "later").catch(() => {});
    expect(model.requests.length).toBe(6);
    await vi.advanceTimersByTimeAsync(5600);
    expect(model.last("stop")).toBeDefined();
    model.ok(model.requests[0] as Request, { ...DONE, mark: 1 });
    expect((await lost[0])?.body).toMatchObject({ mark: 1 });
  });

  it("gives up what was never answered while others were, but no run", async () => {
    const lost = reason(client.ask(NEXT));
    let ended = false;
    const end = () => {
      ended = true;
    };
    client.ask({ kind: "run", text: "a" }).then(end, end);
    await turn();
    for (let i = 0; i < 20; i++) {
      client.ask({ kind: "stop" }).catch(() => {});
      await vi.advanceTimersByTimeAsync(2000);
      model.ok(model.last("stop"), DONE);
    }
    expect(await lost).toBe("missing");
    expect(ended).toBe(false);
  });

  it("notices silence, and hears again", async () => {
    client.ask(NEXT).catch(() => {});
    await turn();
    await vi.advanceTimersByTimeAsync(3500);
    expect(client.alive.value).toBe("unsure");
    await vi.advanceTimersByTimeAsync(4000);
    expect(client.alive.value).toBe("no");
    model.ok(model.requests[0] as Request, DONE);
    expect(client.alive.value).toBe("yes");
  });

  it("knows at once that an idle kernel which never answered does not know this view", async () => {
    const kernel = { status: "busy" };
    model.widget_manager = { kernel };
    client.hello();
    await turn();
    // Of a busy one nothing is known.
    await vi.advanceTimersByTimeAsync(2000);
    expect(client.alive.value).toBe("yes");
    kernel.status = "idle";
    await vi.advanceTimersByTimeAsync(1000);
    expect(client.alive.value).not.toBe("no");
    await vi.advanceTimersByTimeAsync(600);
    expect(client.alive.value).toBe("no");
    expect(client.heard).toBe(false);
    model.ok(model.requests[0] as Request, DONE);
    expect(client.alive.value).toBe("yes");
    // It has answered before: it may be at work in a thread, and its kernel idle.
    client.ask(NEXT).catch(() => {});
    await turn();
    await vi.advanceTimersByTimeAsync(4000);
    expect(client.alive.value).toBe("unsure");
  });

  it("takes a page whose kernel was never started for one without", async () => {
    model.widget_manager = { kernel: null };
    client.hello();
    await turn();
    await vi.advanceTimersByTimeAsync(1600);
    expect(client.alive.value).toBe("no");
  });

  it("notices silence again after a word in between", async () => {
    client.ask(NEXT).catch(() => {});
    await turn();
    await vi.advanceTimersByTimeAsync(8000);
    expect(client.alive.value).toBe("no");
    model.reply({ kind: "ok", client: "other", id: 1, run: 0, body: DONE });
    expect(client.alive.value).toBe("yes");
    await vi.advanceTimersByTimeAsync(4000);
    expect(client.alive.value).toBe("unsure");
  });

  it("takes a kernel that says anything for alive, also to somebody else", async () => {
    client.ask(NEXT).catch(() => {});
    await turn();
    for (let i = 0; i < 10; i++) {
      await vi.advanceTimersByTimeAsync(1000);
      model.reply({ kind: "ok", client: "other", id: 1, run: 0, body: DONE });
    }
    expect(client.alive.value).toBe("yes");
  });

  it("finds out with a greeting", async () => {
    client.hello();
    client.hello();
    await turn();
    expect(model.requests.map(({ kind }) => kind)).toEqual(["hello"]);
    await vi.advanceTimersByTimeAsync(8000);
    expect(client.alive.value).toBe("no");
    model.ok(model.requests[0] as Request, DONE);
    expect(client.alive.value).toBe("yes");
  });

  it("does not mind silence when nothing was asked", async () => {
    client.ask(NEXT).catch(() => {});
    await turn();
    model.ok(model.requests[0] as Request, DONE);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(client.alive.value).toBe("yes");
  });

  it("knows a kernel that went away", async () => {
    const asked = reason(client.ask(NEXT));
    await turn();
    model.emit("comm_live_update");
    expect(await asked).toBe("missing");
    expect(client.alive.value).toBe("no");
  });

  it("rejects what waits, too, when the kernel goes away, and may ask again", async () => {
    const asked = Array.from({ length: 9 }, () => reason(client.ask(NEXT)));
    await turn();
    model.emit("comm_live_update");
    expect(new Set(await Promise.all(asked))).toEqual(new Set(["missing"]));
    const again = client.ask(NEXT);
    await turn();
    model.ok(model.requests.at(-1) as Request, DONE);
    expect((await again).body).toEqual(DONE);
    expect(client.alive.value).toBe("yes");
  });

  it("takes a closed channel for a kernel that went away", async () => {
    model.send = () => {
      throw new Error("closed");
    };
    expect(await reason(client.ask(NEXT))).toBe("missing");
    expect(client.alive.value).toBe("no");
  });

  it("leaves nothing behind", async () => {
    const asked = reason(client.ask(NEXT));
    await turn();
    abort.abort();
    expect(await asked).toBe("superseded");
    expect(model.listeners).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("rejects what waits when the view goes, and what is asked afterwards", async () => {
    const asked = Array.from({ length: 9 }, () => reason(client.ask(NEXT)));
    await turn();
    const sent = model.requests.length;
    abort.abort();
    asked.push(reason(client.ask(NEXT)), reason(client.ask(NEXT, "row")));
    client.hello();
    await turn();
    expect(new Set(await Promise.all(asked))).toEqual(new Set(["superseded"]));
    expect(model.requests.length).toBe(sent);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("leaves the listeners of other clients alone", async () => {
    const other = new Client(model.port(new AbortController().signal));
    abort.abort();
    model.emit("comm_live_update");
    expect(other.alive.value).toBe("no");
  });
});

describe("floats", () => {
  const data = shifted(new Uint8Array(Float32Array.of(1, 0.1, Number.NaN, -2).buffer));

  it("reads where memory is not aligned, bit for bit", () => {
    expect(data.byteOffset % 4).not.toBe(0);
    expect([...floats(data, 0, 4)]).toEqual([1, Math.fround(0.1), Number.NaN, -2]);
    expect([...floats(data, 12, 1)]).toEqual([-2]);
    expect(floats(data, 16, 0).length).toBe(0);
  });

  it("reads nothing beyond the view, though there is memory", () => {
    const even = new DataView(new ArrayBuffer(64), 4, 16);
    for (const view of [data, even]) {
      expect(() => floats(view, 0, 5)).toThrow(RangeError);
      expect(() => floats(view, 13, 1)).toThrow(RangeError);
      expect(() => floats(view, -4, 1)).toThrow(RangeError);
    }
  });
});
