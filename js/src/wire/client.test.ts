// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Request } from "../contract.gen";
import { FakeModel } from "../test/fake-model";
import { Client, Refusal } from "./client";

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
      model.reply({ kind: "ok", client: model.client, id, run: 0, body });
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
    model.emit("msg:custom", { kind: "ok", client: model.client, id, run: 2, body: DONE });
    const answer = await asked;
    expect(answer.run).toBe(2);
    expect(answer.data.byteLength).toBe(0);
  });

  it("ignores what is malformed, unknown, repeated or for somebody else", async () => {
    const asked = client.ask(NEXT);
    await turn();
    const request = model.requests[0] as Request;
    for (const content of [null, 7, "x", [], {}, { kind: "?" }, { kind: "ok", client: "other" }])
      model.reply(content);
    model.reply({ kind: "ok", client: model.client, id: 999, run: 0, body: DONE });
    model.ok(request, { ...DONE, mark: 1 });
    model.ok(request, { ...DONE, mark: 2 });
    expect((await asked).body).toMatchObject({ mark: 1 });
  });

  it("acknowledges a push once it has been drawn, not before", async () => {
    const seen: number[] = [];
    client.onPush = (push) => seen.push(push.seq);
    model.reply({ kind: "push", seq: 5, status: {}, scores: null });
    await turn();
    expect(seen).toEqual([5]);
    expect(model.requests.filter(({ kind }) => kind === "ack")).toEqual([]);
    await vi.advanceTimersByTimeAsync(20);
    expect(model.last("ack").seq).toBe(5);
  });

  it("acknowledges also with as much under way as there may be", async () => {
    for (let i = 0; i < 9; i++) client.ask(NEXT).catch(() => {});
    await turn();
    model.reply({ kind: "push", seq: 5, status: {}, scores: null });
    await vi.advanceTimersByTimeAsync(20);
    expect(model.last("ack").seq).toBe(5);
  });

  it("hands a push's bytes on, each by its name", () => {
    let found: Record<string, number[]> = {};
    const plain = (data: DataView) => [
      ...new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength),
    ];
    client.onPush = (_, buffers) => {
      found = Object.fromEntries(
        Object.entries(buffers).map(([name, data]) => [name, plain(data)]),
      );
    };
    const push = { kind: "push", seq: 0, status: {}, scores: null, buffers: ["scores", "pairs"] };
    model.reply(push, Uint8Array.of(4, 5), Uint8Array.of(6));
    expect(found).toEqual({ scores: [4, 5], pairs: [6] });
  });
});
