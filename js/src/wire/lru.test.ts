import { describe, expect, it } from "vitest";
import { Lru } from "./lru";

describe("Lru", () => {
  it("keeps what fits, and lets go of what was used longest ago", () => {
    const kept = new Lru<string>(10);
    kept.set("a", "A", 4);
    kept.set("b", "B", 4);
    expect(kept.get("a")).toBe("A");
    kept.set("c", "C", 4);
    expect(kept.has("b")).toBe(false);
    expect(kept.get("a")).toBe("A");
    expect(kept.get("c")).toBe("C");
  });

  it("counts a replaced value once", () => {
    const kept = new Lru<string>(10);
    for (let i = 0; i < 9; i++) kept.set("a", "A", 8);
    kept.set("b", "B", 2);
    expect(kept.has("a")).toBe(true);
    expect(kept.bytes).toBe(10);
    kept.set("a", "A", 1);
    expect(kept.bytes).toBe(3);
  });

  it("fills its budget to the last byte, and is never over it", () => {
    const kept = new Lru<number>(10);
    kept.set("a", 0, 5);
    kept.set("b", 1, 5);
    expect(kept.has("a")).toBe(true);
    for (let i = 0; i < 100; i++) {
      kept.set(`${i}`, i, 1 + (i % 4));
      expect(kept.bytes).toBeLessThanOrEqual(10);
    }
  });

  it("lets as many go as a large one needs", () => {
    const kept = new Lru<string>(10);
    for (const name of ["a", "b", "c", "d"]) kept.set(name, name, 2);
    kept.set("e", "e", 7);
    const left = ["a", "b", "c", "d", "e"].filter((name) => kept.has(name));
    expect(left).toEqual(["d", "e"]);
  });

  it("keeps what was just put in, even if it alone is over the budget", () => {
    const kept = new Lru<string>(10);
    kept.set("a", "A", 4);
    kept.set("b", "B", 99);
    expect(kept.get("b")).toBe("B");
    expect(kept.has("a")).toBe(false);
    kept.set("c", "C", 1);
    expect(kept.has("b")).toBe(false);
    expect(kept.bytes).toBe(1);
  });

  it("counts a look, and putting in again, as use; asking whether it is there is none", () => {
    const kept = new Lru<string>(3);
    for (const name of ["a", "b", "c"]) kept.set(name, name, 1);
    kept.has("a");
    kept.set("d", "d", 1);
    expect(kept.has("a")).toBe(false);
    kept.set("b", "B", 1);
    kept.set("e", "e", 1);
    expect(kept.has("c")).toBe(false);
    expect(kept.get("b")).toBe("B");
  });

  it("tells what it does not have, and forgets everything", () => {
    const kept = new Lru<string>(10);
    expect(kept.get("a")).toBeUndefined();
    kept.set("a", "A", 10);
    kept.clear();
    expect([kept.bytes, kept.has("a")]).toEqual([0, false]);
  });
});
