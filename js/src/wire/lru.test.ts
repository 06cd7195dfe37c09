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
  });
});
