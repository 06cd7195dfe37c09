import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Request } from "../contract.gen";
import { FakeModel } from "../fake-model";
import { Client, Refusal } from "./client";

const NEXT = { kind: "next", gen: 0, position: 0 } as const;
const DONE = { kind: "done" };

let model: FakeModel;
let abort: AbortController;
let client: Client;

beforeEach(() => {
  vi.useFakeTimers();
  model = new FakeModel();
  abort = new AbortController();
  client = new Client(model, abort.signal);
});
afterEach(() => vi.useRealTimers());
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

  it("rejects with the kernel's reason", async () => {
    const asked = reason(client.ask(NEXT));
    await turn();
    const { id } = model.requests[0] as Request;
    model.reply({ kind: "error", client: model.client, id, reason: "missing", message: "no" });
    expect(await asked).toBe("missing");
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

  it("leaves nothing behind", async () => {
    const asked = reason(client.ask(NEXT));
    await turn();
    abort.abort();
    expect(await asked).toBe("superseded");
    expect(model.listeners).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});
