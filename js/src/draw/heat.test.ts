// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { fakeContext } from "../test/fake-context";
import { lightTheme } from "../test/fake-theme";
import { drawHeat, drawHeatOver, type HeatDrawing, heatFrame } from "./heat";
import { imageOf } from "./picture";
import { whole } from "./viewport";

const tokens = Array.from({ length: 50 }, (_, i) => ` t${i}`);
const canvas = (width: number, height: number): OffscreenCanvas =>
  ({ width, height }) as OffscreenCanvas;
const shape = { rows: 50, cols: 50 };
const frame = { x: 80, y: 70, width: 500, height: 500 };

const drawing: HeatDrawing = {
  view: { ...whole(shape), ...frame },
  shape,
  picture: { canvas: canvas(50, 50), window: whole(shape), step: 1 },
  theme: lightTheme,
  rows: { label: "query", names: tokens },
  cols: { label: "key", names: tokens },
  causal: true,
  missing: null,
};
const isName = (text: string) => /^t\d+$/.test(text);

function draw(part: Partial<HeatDrawing> = {}) {
  const fake = fakeContext();
  drawHeat(fake.ctx, { ...drawing, ...part });
  return fake;
}

function over(
  selected: { row: number | null; col: number | null },
  hover: { row: number; col: number } | null = null,
  part: Partial<HeatDrawing> = {},
) {
  const fake = fakeContext();
  drawHeatOver(fake.ctx, { ...drawing, ...part }, { selected, hover });
  return fake;
}

describe("drawHeat", () => {
  it("scales an unpooled picture into the frame, its cells sharp", () => {
    const { ctx, of } = draw();
    const { canvas } = drawing.picture as NonNullable<HeatDrawing["picture"]>;
    expect(of("drawImage")[0]?.args).toEqual([canvas, 0, 0, 50, 50, 80, 70, 500, 500]);
    expect(ctx.imageSmoothingEnabled).toBe(false);
  });

  it("draws only the tokens that a pooled picture covers", () => {
    // 49 tokens in blocks of 2: the 25th block covers one.
    const window = { r0: 1, r1: 50, c0: 0, c1: 49 };
    const { of } = draw({ picture: { canvas: canvas(25, 25), window, step: 2 } });
    expect(of("drawImage")[0]?.args.slice(1)).toEqual([0, 0, 24.5, 24.5, 80, 80, 490, 490]);
  });

  it("puts a picture of another window where it belongs, while a finer one is on its way", () => {
    const { of } = draw({ view: { ...frame, r0: 25, r1: 50, c0: 0, c1: 25 } });
    expect(of("drawImage")[0]?.args.slice(5)).toEqual([80, 70 - 500, 1000, 1000]);
    expect(of("clip").length).toBeGreaterThan(0);
  });

  it("names every token of a short prompt, and what runs along each edge", () => {
    const texts = draw()
      .texts()
      .map((t) => t.text);
    expect(texts.filter(isName)).toHaveLength(100);
    expect(texts.filter((text) => !isName(text))).toEqual(["key →", "query ↓"]);
  });

  it("thins the names of a long one", () => {
    const names = Array.from({ length: 1000 }, (_, i) => ` t${i}`);
    const shape = { rows: 1000, cols: 1000 };
    const axis = { label: "", names };
    const view = { ...whole(shape), ...frame };
    const { texts } = draw({ shape, view, picture: null, rows: axis, cols: axis });
    expect(texts().length).toBeGreaterThan(20);
    expect(texts().length).toBeLessThan(100);
  });

  it("says why there is no data, and then shows none", () => {
    const missing = "This head was not saved in the notebook, it needs the kernel "
      .repeat(4)
      .trim();
    const { of, texts } = draw({ missing });
    expect(of("drawImage")).toHaveLength(0);
    const lines = texts()
      .map((t) => t.text)
      .filter((text) => !isName(text) && !/[→↓]/.test(text));
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.join(" ")).toBe(missing);
  });

  it("has no names where there is no gutter for them", () => {
    expect(draw({ view: { ...drawing.view, x: 4, y: 4 } }).texts()).toHaveLength(0);
  });

  it("hatches behind what can be missing, and never the future of a causal one", () => {
    const lines = (causal: boolean) => draw({ causal }).of("lineTo").length;
    expect(lines(false)).toBeGreaterThan(100);
    expect(lines(true)).toBe(1);
  });
});

describe("drawHeatOver", () => {
  it("names what is selected in the accent, and what is pointed at in ink", () => {
    const { texts } = over({ row: 39, col: 3 }, { row: 45, col: 2 });
    expect(texts()).toEqual([
      { text: "t45", fill: lightTheme.ink },
      { text: "t39", fill: lightTheme.accent },
      { text: "t2", fill: lightTheme.ink },
      { text: "t3", fill: lightTheme.accent },
    ]);
  });

  it("paints no cell, whatever is pointed at", () => {
    const { of } = over({ row: 39, col: 3 }, { row: 45, col: 2 });
    expect(of("drawImage")).toHaveLength(0);
    expect(of("fillRect").length).toBeLessThan(60);
  });

  it("outlines a selected query up to the diagonal, outside of its cells", () => {
    const { drawn } = over({ row: 39, col: null });
    const sides = drawn.filter((d) => d.what === "fillRect" && d.fill === lightTheme.accent);
    const rights = sides.map((d) => Number(d.args[0]) + Number(d.args[2]));
    expect(Math.min(...sides.map((d) => Number(d.args[1])))).toBeLessThan(70 + 390);
    expect(Math.max(...rights)).toBeGreaterThanOrEqual(480);
    expect(Math.max(...rights)).toBeLessThanOrEqual(482);
  });

  it("keeps a selection that is out of the window out of the picture", () => {
    const view = { ...frame, r0: 10, r1: 20, c0: 0, c1: 10 };
    const { drawn, texts } = over({ row: 39, col: 30 }, { row: 45, col: 22 }, { view });
    expect(drawn.filter((d) => d.what === "fillRect")).toHaveLength(0);
    expect(texts()).toHaveLength(0);
  });
});

describe("heatFrame", () => {
  const axis = (label: string, names: string[]) => ({ label, names });
  const axes = { rows: axis("query", tokens), cols: axis("key", tokens) };

  it("is a square as large as the box allows, both ways", () => {
    const wide = heatFrame({ width: 900, height: 400 }, { ...axes, shape });
    expect(wide.width).toBe(wide.height);
    expect(wide.y + wide.height).toBeLessThanOrEqual(400);
    const high = heatFrame({ width: 300, height: 900 }, { ...axes, shape });
    expect(high.x + high.width).toBeLessThanOrEqual(300);
  });

  it("uses the width where rows and columns are different things", () => {
    const flat = heatFrame({ width: 600, height: 300 }, { ...axes, shape: { rows: 3, cols: 50 } });
    expect(flat.width).toBeGreaterThan(500);
    expect(flat.height).toBeLessThanOrEqual(66);
  });
});

describe("imageOf", () => {
  const table = Uint32Array.from({ length: 256 }, (_, i) => i + 1);
  const scale = { least: -1, most: 1, signed: true };

  it("puts values between the ends of the table, and nothing where they are missing", () => {
    const values = [-1, 0, Number.NaN, 2];
    const image = imageOf({ rows: 2, cols: 2, values }, scale, table);
    expect([...new Uint32Array(image.data.buffer)]).toEqual([1, 129, 0, 256]);
  });

  it("fades what cannot be told from chance towards the page", () => {
    const table = new Uint32Array(256).fill(0xff0000ff);
    table[128] = 0xffffffff;
    const faint = Uint8Array.of(1, 0);
    const image = imageOf({ rows: 1, cols: 2, values: [1, 1], faint }, scale, table);
    expect([...image.data.slice(0, 8)]).toEqual([255, 166, 166, 255, 255, 0, 0, 255]);
  });
});
