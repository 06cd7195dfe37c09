import { describe, expect, it } from "vitest";
import { pieces, standApart } from "./characters";

describe("tokens that are parts of a character", () => {
  it("are joined", () => {
    expect(pieces(["a", "\\xe8", "\\x93", "\\x9d", " b"])).toEqual([
      { from: 0, to: 1, text: "a" },
      { from: 1, to: 4, text: "蓝" },
      { from: 4, to: 5, text: " b" },
    ]);
  });

  it("are joined by their numbers", () => {
    const tokens = [" 蓝⟨1/2⟩", "蓝⟨2/2⟩", "狗⟨1/3⟩", "狗⟨2/3⟩", "狗⟨3/3⟩", "狗"];
    expect(pieces(tokens).map(({ text, from }) => [from, text])).toEqual([
      [0, " 蓝"],
      [2, "狗"],
      [5, "狗"],
    ]);
  });

  it("stay as they are where a part is missing", () => {
    for (const tokens of [["蓝⟨1/3⟩", "蓝⟨3/3⟩"], ["蓝⟨2/2⟩"], ["蓝⟨1/2⟩", "狗⟨2/2⟩"], ["⟨1/2⟩"]]) {
      expect(pieces(tokens).map(({ text }) => text)).toEqual(tokens);
    }
  });

  it("are joined with what else a token has", () => {
    expect(pieces([" \\xf0\\x9f", "\\x90\\xb6"])).toEqual([{ from: 0, to: 2, text: " 🐶" }]);
  });

  it("stay as they are where they make no character", () => {
    expect(pieces(["\\xe8", "a"]).map(({ text }) => text)).toEqual(["\\xe8", "a"]);
    expect(pieces(["\\x93"])).toHaveLength(1);
    expect(pieces(["\\x41", "x"])).toHaveLength(2);
  });

  it("leave every token in one piece", () => {
    const tokens = ["x", "\\xe8", "\\x93", "\\xe8", "\\x93", "\\x9d"];
    const shown = pieces(tokens);
    expect(shown.map(({ from }) => from)).toEqual([0, 1, 2, 3]);
    expect(shown.at(-1)?.to).toBe(tokens.length);
  });
});

it("knows a vocabulary of words by its tokens without spaces", () => {
  expect(standApart("blue dog", ["blue", "dog"])).toBe(true);
  expect(standApart("blue dog", ["blue", " dog"])).toBe(false);
  expect(standApart("blue", ["blue"])).toBe(false);
});
