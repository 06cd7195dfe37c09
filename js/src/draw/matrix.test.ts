import { describe, expect, it } from "vitest";
import { fakeContext } from "../test/fake-context";
import { lightTheme } from "../test/fake-theme";
import { drawMatrix, type MatrixDrawing, whole } from "./matrix";

const tokens = Array.from({ length: 50 }, (_, i) => ` t${i}`);
const canvas = (width: number, height: number): OffscreenCanvas =>
  ({ width, height }) as OffscreenCanvas;

const drawing: MatrixDrawing = {
  view: whole(50, 80, 70, 500),
  tile: canvas(50, 50),
  tileWindow: { q0: 0, q1: 50, k0: 0, k1: 50 },
  theme: lightTheme,
  labels: { rows: tokens, cols: tokens },
  selectedQuery: null,
  selectedKey: null,
  hover: null,
  missing: null,
};

describe("drawMatrix", () => {
  it("scales an unpooled tile into the frame, its cells sharp", () => {
    const { ctx, of } = fakeContext();
    drawMatrix(ctx, drawing);
    expect(of("drawImage")[0]?.args).toEqual([drawing.tile, 0, 0, 50, 50, 80, 70, 500, 500]);
    expect(ctx.imageSmoothingEnabled).toBe(false);
  });

  it("draws only the tokens that a pooled tile covers", () => {
    const { ctx, of } = fakeContext();
    // 49 tokens in blocks of 2: the 25th block covers one.
    drawMatrix(ctx, {
      ...drawing,
      tile: canvas(25, 25),
      tileWindow: { q0: 1, q1: 50, k0: 0, k1: 49 },
    });
    expect(of("drawImage")[0]?.args).toEqual([
      expect.anything(),
      0,
      0,
      24.5,
      24.5,
      80,
      80,
      490,
      490,
    ]);
  });

  it("puts a tile of another window where it belongs, while a finer one is on its way", () => {
    const { ctx, of } = fakeContext();
    const view = { ...drawing.view, q0: 25, q1: 50, k0: 0, k1: 25 };
    drawMatrix(ctx, { ...drawing, view });
    expect(of("drawImage")[0]?.args.slice(5)).toEqual([80, 70 - 500, 1000, 1000]);
    expect(of("clip")).toHaveLength(1);
  });

  it("names every token of a short prompt, the selected ones in the accent", () => {
    const { ctx, texts } = fakeContext();
    drawMatrix(ctx, { ...drawing, selectedQuery: 39, selectedKey: 3 });
    expect(texts()).toHaveLength(100);
    expect(
      texts()
        .filter((t) => t.fill === lightTheme.accent)
        .map((t) => t.text),
    ).toEqual(["t39", "t3"]);
  });

  it("thins the names of a long one, never the selected and the hovered", () => {
    const { ctx, texts } = fakeContext();
    const long = Array.from({ length: 1000 }, (_, i) => ` t${i}`);
    drawMatrix(ctx, {
      ...drawing,
      view: whole(1000, 80, 70, 500),
      tile: null,
      labels: { rows: long, cols: long },
      selectedQuery: 501,
      hover: { q: 703, k: 77 },
    });
    expect(texts().length).toBeLessThan(100);
    expect(texts()).toContainEqual({ text: "t501", fill: lightTheme.accent });
    expect(texts()).toContainEqual({ text: "t703", fill: lightTheme.ink });
    expect(texts()).toContainEqual({ text: "t77", fill: lightTheme.ink });
  });

  it("says why there is no data, and then shows none", () => {
    const { ctx, texts, of } = fakeContext();
    const missing = "This head was not saved in the notebook, it needs the kernel "
      .repeat(4)
      .trim();
    drawMatrix(ctx, { ...drawing, missing });
    expect(of("drawImage")).toHaveLength(0);
    const lines = texts()
      .map((t) => t.text)
      .filter((text) => !/^t\d+$/.test(text));
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.join(" ")).toBe(missing);
  });

  it("outlines a selected query up to the diagonal, outside of its cells", () => {
    const { ctx, drawn } = fakeContext();
    drawMatrix(ctx, { ...drawing, selectedQuery: 39 });
    const sides = drawn.filter((d) => d.what === "fillRect" && d.fill === lightTheme.accent);
    const rights = sides.map((d) => Number(d.args[0]) + Number(d.args[2]));
    expect(Math.min(...sides.map((d) => Number(d.args[1])))).toBeLessThan(70 + 390);
    expect(Math.max(...rights)).toBeGreaterThanOrEqual(480);
    expect(Math.max(...rights)).toBeLessThanOrEqual(482);
  });

  it("keeps a selection that is scrolled away out of the picture", () => {
    const { ctx, drawn, texts } = fakeContext();
    const view = { ...drawing.view, q0: 10, q1: 20, k0: 0, k1: 10 };
    drawMatrix(ctx, {
      ...drawing,
      view,
      selectedQuery: 39,
      selectedKey: 30,
      hover: { q: 45, k: 2 },
    });
    expect(drawn.some((d) => d.fill === lightTheme.accent)).toBe(false);
    expect(texts().map((t) => t.text)).not.toContain("t39");
  });

  it("has no labels where there is no gutter for them", () => {
    const { ctx, texts } = fakeContext();
    drawMatrix(ctx, { ...drawing, view: whole(50, 4, 4, 100) });
    expect(texts()).toHaveLength(0);
  });
});
