import { describe, expect, it } from "vitest";
import { fakeContext } from "../test/fake-context";
import { chooseLabels, fitted, labelText } from "./label";

describe("labelText", () => {
  it.each([
    [" Queen", 10, "Queen"],
    ["internationalization", 8, "interna…"],
    ["exactly8", 8, "exactly8"],
    ["\n", 5, "⏎"],
    ["\r\n", 5, "⏎"],
    ["\n\n", 5, "⏎⏎"],
    ["\t", 5, "⇥"],
    ["", 5, "∅"],
    ["", 0, "∅"],
    [" ", 5, "␣"],
    ["   ", 5, "␣␣␣"],
    ["          ", 4, "␣␣␣…"],
    ["\u00a0", 5, "␣"],
    ["a b", 5, "a b"],
    ["\u0007", 5, "␇"],
    ["\u007f", 5, "␡"],
    ["\u200b", 9, "U+200B"],
    ["\ufeff", 9, "U+FEFF"],
    ["\ufffd", 5, "\ufffd"],
    ["abc", 1, "…"],
    ["abc", 0, ""],
    ["<b>&amp;</b>", 20, "<b>&amp;</b>"],
  ])("%j in %i", (token, max, label) => expect(labelText(token, max)).toBe(label));

  it("counts and cuts by what a reader calls a character", () => {
    const family = "👩‍👩‍👧‍👦";
    expect(labelText(family, 1)).toBe(family);
    expect(labelText(`${family}${family}${family}`, 2)).toBe(`${family}…`);
    expect(labelText("e\u0301e\u0301", 2)).toBe("e\u0301e\u0301");
  });

  it("isolates right-to-left text and nothing else", () => {
    expect(labelText(" שלום", 9)).toBe("\u2068שלום\u2069");
    expect(labelText("abc", 9)).not.toContain("\u2068");
  });

  it("lets no token reverse its neighbours", () => {
    expect(labelText("\u202eevil", 20)).toBe("U+202Eevil");
    expect(labelText("\u2067x", 20)).not.toContain("\u2067");
  });

  it("does not read all of a very long token", () => {
    expect(labelText("-".repeat(1_000_000), 6)).toBe("-----…");
  });
});

describe("chooseLabels", () => {
  it("takes all where there is room", () => {
    expect(chooseLabels(0, 4, 12, [])).toEqual([0, 1, 2, 3]);
  });

  it("never lets two come closer than the room", () => {
    for (const cell of [0.1, 0.7, 3, 5.5, 9.8, 11, 40]) {
      for (const must of [[], [17], [17, 18], [0, 99, null]]) {
        const sorted = chooseLabels(0, 100, cell, must).sort((a, b) => a - b);
        for (const [i, at] of sorted.entries()) {
          if (i > 0) expect((at - (sorted[i - 1] as number)) * cell).toBeGreaterThanOrEqual(11);
        }
      }
    }
  });

  it("always has the first that must be there", () => {
    expect(chooseLabels(0, 100, 2, [39, 40])).toContain(39);
    expect(chooseLabels(0, 100, 2, [39, 40])).not.toContain(40);
    expect(chooseLabels(0, 100, 2, [39, 60])).toContain(60);
    expect(chooseLabels(50, 60, 20, [39])).not.toContain(39);
  });

  it("keeps the same tokens while one scrolls", () => {
    const near = new Set(chooseLabels(0, 60, 4, []));
    for (const i of chooseLabels(7, 60, 4, [])) expect(near.has(i)).toBe(true);
  });
});

it("fits wide characters by measuring them", () => {
  const { ctx } = fakeContext();
  const wide = {
    measureText: (text: string) => ({
      width: Array.from(text).reduce((w, c) => w + (c > "\u2e80" ? 12 : 6), 0),
    }),
  };
  expect(fitted(ctx, "internationalization", 48)).toBe("interna…");
  expect(fitted(wide as unknown as CanvasRenderingContext2D, "日本語テキスト", 48)).toBe("日本語…");
  expect(fitted(ctx, "x", 3)).toBe("");
});
