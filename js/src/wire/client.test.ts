import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Request } from "../contract.gen";
import { FakeModel, shifted } from "../test/fake-model";
import { Client, floats, Refusal } from "./client";

const NEXT = { kind: "next", gen: 0, position: 0 } as const;
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
  it("sends what is asked in one turn together, each with its own id", async () => {
    for (let i = 0; i < 3; i++) client.ask(NEXT).catch(() => {});
    await turn();
    expect(model.sent.length).toBe(1);
    expect(new Set(model.requests.map(({ id }) => id)).size).toBe(3);
  });

  it("sends at once what must not wait for the end of the turn, and only once", async () => {
    client.ask(NEXT).catch(() => {});
    client.flush();
    expect(model.requests.length).toBe(1);
    client.flush();
    await turn();
    expect(model.sent.length).toBe(1);
  });

  it("keeps its name, which no other client has", async () => {
    const other = new FakeModel();
    new Client(other.port(abort.signal)).ask(NEXT).catch(() => {});
    for (let i = 0; i < 2; i++) {
      client.ask(NEXT).catch(() => {});
      await turn();
    }
    expect(new Set(model.sent.map((batch) => batch.client)).size).toBe(1);
    expect(other.client).not.toBe(model.client);
  });

  it("gives the answer to who asked", async () => {
    const [one, two] = [client.ask(NEXT), client.ask(NEXT)];
    await turn();
    const [first, second] = model.requests as [Request, Request];
    model.ok(second, { ...DONE, mark: 2 });
    model.ok(first, { ...DONE, mark: 1 });
    expect((await one).body).toMatchObject({ mark: 1 });
    expect((await two).body).toMatchObject({ mark: 2 });
  });

  it("replaces a wish that was not sent, and cancels one that was", async () => {
    const unsent = reason(client.ask(NEXT, "row"));
    const sent = reason(client.ask(NEXT, "row"));
    await turn();
    expect(await unsent).toBe("superseded");
    expect(model.requests.length).toBe(1);
    client.ask(NEXT, "row").catch(() => {});
    await turn();
    expect(await sent).toBe("superseded");
    const [first] = model.requests as [Request];
    expect(model.last("cancel").target).toBe(first.id);
  });

  it("does not let go of what was wished for elsewhere", async () => {
    const row = client.ask(NEXT, "row");
    const free = client.ask(NEXT);
    await turn();
    client.ask(NEXT, "tile").catch(() => {});
    await turn();
    expect(model.requests.some(({ kind }) => kind === "cancel")).toBe(false);
    for (const request of model.requests) model.ok(request, DONE);
    expect((await row).body).toEqual(DONE);
    expect((await free).body).toEqual(DONE);
  });

  it("does nothing with the late answer to what it let go of", async () => {
    client.ask(NEXT, "row").catch(() => {});
    await turn();
    const second = client.ask(NEXT, "row");
    await turn();
    const [first, , again] = model.requests as [Request, Request, Request];
    model.ok(first, { ...DONE, mark: 1 });
    const latest = [first, again].find((r) => r.id !== first.id) as Request;
    expect(latest.kind).toBe("next");
    model.ok(latest, { ...DONE, mark: 2 });
    expect((await second).body).toMatchObject({ mark: 2 });
  });

  it("cancels even where no more may be under way", async () => {
    for (let i = 0; i < 6; i++) client.ask(NEXT, `${i}`).catch(() => {});
    await turn();
    client.ask({ ...NEXT, position: 9 }, "3").catch(() => {});
    await turn();
    const kinds = model.requests.slice(6).map(({ kind }) => kind);
    expect(kinds.sort()).toEqual(["cancel", "next"]);
    expect(model.last("next").position).toBe(9);
  });

  it("has a few under way at most, and sends the rest as answers come", async () => {
    for (let i = 0; i < 20; i++) client.ask(NEXT).catch(() => {});
    await turn();
    expect(model.requests.length).toBe(6);
    for (let i = 0; i < 20; i++) {
      model.ok(model.requests[i] as Request, DONE);
      await turn();
    }
    expect(model.requests.length).toBe(20);
  });

  it("makes room with a refusal as with an answer", async () => {
    for (let i = 0; i < 7; i++) client.ask(NEXT).catch(() => {});
    await turn();
    const { id } = model.requests[0] as Request;
    model.reply({ kind: "error", client: model.client, id, reason: "busy", message: "no" });
    await turn();
    expect(model.requests.length).toBe(7);
  });

  it("sends in the order of asking", async () => {
    for (let position = 0; position < 9; position++)
      client.ask({ ...NEXT, position }).catch(() => {});
    await turn();
    for (let i = 0; i < 9; i++) {
      model.ok(model.requests[i] as Request, DONE);
      await turn();
    }
    const positions = model.requests.map((r) => (r.kind === "next" ? r.position : -1));
    expect(positions).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it("rejects with the kernel's reason", async () => {
    const asked = reason(client.ask(NEXT));
    await turn();
    const { id } = model.requests[0] as Request;
    model.reply({ kind: "error", client: model.client, id, reason: "missing", message: "no" });
    expect(await asked).toBe("missing");
  });

  it("rejects with the kernel's sentence", async () => {
    const asked = client.ask(NEXT).catch((error) => error.message);
    await turn();
    const { id } = model.requests[0] as Request;
    model.reply({ kind: "error", client: model.client, id, reason: "failed", message: "why not" });
    expect(await asked).toBe("why not");
  });

  it.each([undefined, null, 7, "x"])(
    "takes an answer without a body for none: %j",
    async (body) => {
      const asked = reason(client.ask(NEXT));
      await turn();
      const { id } = model.requests[0] as Request;
      model.reply({ kind: "ok", client: model.client, id, gen: 0, body });
      expect(await asked).toBe("failed");
    },
  );

  it.each([
    { kind: "push" },
    { kind: "push", seq: "1", status: {}, scores: null },
    { kind: "push", seq: 1, status: null, scores: null },
  ])("hands no half push on: %j", async (content) => {
    client.onPush = () => expect.unreachable();
    model.reply(content);
    await turn();
    expect(model.requests).toEqual([]);
  });

  it("minds no message without buffers, and none that fails for nobody", async () => {
    const asked = client.ask(NEXT);
    await turn();
    const fail = { kind: "error", client: model.client, id: 0, reason: "invalid", message: "?" };
    model.emit("msg:custom", fail);
    const { id } = model.requests[0] as Request;
    model.emit("msg:custom", { kind: "ok", client: model.client, id, gen: 2, body: DONE });
    const answer = await asked;
    expect(answer.gen).toBe(2);
    expect(answer.data.byteLength).toBe(0);
  });

  it("ignores what is malformed, unknown, repeated or for somebody else", async () => {
    const asked = client.ask(NEXT);
    await turn();
    const request = model.requests[0] as Request;
    for (const content of [null, 7, "x", [], {}, { kind: "?" }, { kind: "ok", client: "other" }])
      model.reply(content);
    model.reply({ kind: "ok", client: model.client, id: 999, gen: 0, body: DONE });
    model.ok(request, { ...DONE, mark: 1 });
    model.ok(request, { ...DONE, mark: 2 });
    expect((await asked).body).toMatchObject({ mark: 1 });
  });

  it("acknowledges a push once it has been handed on", async () => {
    const seen: number[] = [];
    client.onPush = (push) => seen.push(push.seq);
    model.reply({ kind: "push", seq: 5, status: {}, scores: null });
    await turn();
    expect(seen).toEqual([5]);
    expect(model.last("ack").seq).toBe(5);
  });

  it("acknowledges also with as much under way as there may be", async () => {
    for (let i = 0; i < 9; i++) client.ask(NEXT).catch(() => {});
    await turn();
    model.reply({ kind: "push", seq: 5, status: {}, scores: null });
    await turn();
    expect(model.last("ack").seq).toBe(5);
  });

  it("hands a push's bytes on", () => {
    let found: number[] = [];
    client.onPush = (_, data) => {
      found = [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)];
    };
    model.reply({ kind: "push", seq: 0, status: {}, scores: null }, Uint8Array.of(4, 5));
    expect(found).toEqual([4, 5]);
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

  it("notices silence again after a word in between", async () => {
    client.ask(NEXT).catch(() => {});
    await turn();
    await vi.advanceTimersByTimeAsync(8000);
    expect(client.alive.value).toBe("no");
    model.reply({ kind: "ok", client: "other", id: 1, gen: 0, body: DONE });
    expect(client.alive.value).toBe("yes");
    await vi.advanceTimersByTimeAsync(4000);
    expect(client.alive.value).toBe("unsure");
  });

  it("takes a kernel that says anything for alive, also to somebody else", async () => {
    client.ask(NEXT).catch(() => {});
    await turn();
    for (let i = 0; i < 10; i++) {
      await vi.advanceTimersByTimeAsync(1000);
      model.reply({ kind: "ok", client: "other", id: 1, gen: 0, body: DONE });
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
