import { describe, expect, it } from "vitest";
import { Echoes } from "./echoes";

describe("Echoes", () => {
  const made = () => {
    const clock = { now: 0 };
    return { clock, echoes: new Echoes(() => clock.now) };
  };

  it("knows an echo of what was replaced since", () => {
    const { echoes } = made();
    echoes.note("cell", { query: 4, key: null });
    echoes.note("cell", { query: 4, key: 3 });
    expect(echoes.isLate("cell", { query: 4, key: null })).toBe(true);
    expect(echoes.isLate("cell", { query: 4, key: 3 })).toBe(false);
    // All is back: the same value is now the kernel's own.
    expect(echoes.isLate("cell", { query: 4, key: null })).toBe(false);
  });

  it("takes news from the kernel, and keeps traits apart", () => {
    const { echoes } = made();
    echoes.note("cell", 1);
    echoes.note("cell", 2);
    expect(echoes.isLate("head", 1)).toBe(false);
    expect(echoes.isLate("cell", 7)).toBe(false);
    expect(echoes.isLate("cell", 1)).toBe(false);
  });

  it("does not take a way there and back for an echo", () => {
    const { echoes } = made();
    for (const value of [1, 2, 1]) echoes.note("cell", value);
    expect(echoes.isLate("cell", 2)).toBe(true);
    expect(echoes.isLate("cell", 1)).toBe(false);
  });

  it("does not wait for ever", () => {
    const { clock, echoes } = made();
    echoes.note("cell", 1);
    echoes.note("cell", 2);
    clock.now = 3000;
    expect(echoes.isLate("cell", 1)).toBe(false);
  });
});
