import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AFTER_ANSWERS, Filling } from "./filling";

let abort: AbortController;
let greeted: boolean[];
let takes: (fill: boolean) => number;
let filling: Filling;

beforeEach(() => {
  vi.useFakeTimers();
  abort = new AbortController();
  greeted = [];
  filling = new Filling((fill) => {
    greeted.push(fill);
    return new Promise((done) => setTimeout(done, takes(fill)));
  }, abort.signal);
});
afterEach(() => {
  abort.abort();
  vi.useRealTimers();
});
const answers = (count: number) => {
  for (let i = 0; i < count; i++) filling.answered(true);
};

describe("Filling", () => {
  it("leaves a fast line filled, where a bare answer waits for an acknowledgement", async () => {
    takes = (fill) => (fill ? 9 : 48);
    answers(AFTER_ANSWERS);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(greeted.length).toBe(11);
    expect(greeted.at(-1)).toBe(true);
  });

  it("spares a slow line the filling", async () => {
    takes = (fill) => (fill ? 150 : 60);
    answers(AFTER_ANSWERS);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(greeted.at(-1)).toBe(false);
    // Measured once.
    answers(AFTER_ANSWERS);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(greeted.length).toBe(11);
  });

  it("keeps filling where there is hardly a difference", async () => {
    takes = (fill) => (fill ? 20 : 18);
    answers(AFTER_ANSWERS);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(greeted.at(-1)).toBe(true);
  });

  it("waits until the user has paused, and measures again what was disturbed", async () => {
    takes = (fill) => (fill ? 150 : 60);
    for (let i = 0; i < AFTER_ANSWERS + 20; i++) {
      filling.asked();
      filling.answered(true);
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(greeted).toEqual([]);
    await vi.advanceTimersByTimeAsync(2500);
    filling.asked();
    filling.answered(true);
    await vi.advanceTimersByTimeAsync(20_000);
    // Disturbed: filled as before; the answer in between has set off the next try.
    expect(greeted.slice(10)).toEqual([true]);
    filling.answered(true);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(greeted.at(-1)).toBe(false);
  });

  it("asks nothing of a young line, nor when the view is gone", async () => {
    takes = () => 1;
    answers(AFTER_ANSWERS - 1);
    await vi.advanceTimersByTimeAsync(10_000);
    answers(1);
    abort.abort();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(greeted).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
