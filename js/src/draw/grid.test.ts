import { describe, expect, it } from "vitest";
import { fakeContext } from "../test/fake-context";
import { lightTheme } from "../test/fake-theme";
import { css, sequential } from "./color";
import { bestOf, drawGrid, drawGridOver, type GridDrawing, type GridOver } from "./grid";
import { gridLayout, hitBar, hitGrid, leastGrid, tallestGrid } from "./grid-layout";

const box = (width: number, height: number) => ({ width, height });

describe("gridLayout", () => {
  it("uses the room, within limits", () => {
    expect(gridLayout(30, 9, box(240, 620)).pitchX).toBe(18);
    const large = gridLayout(12, 12, box(2000, 2000));
    expect([large.pitchX, large.pitchY]).toEqual([32, 32]);
  });

  it.each([12, 16, 25, 32, 64])("cuts no head of %i a layer, down to its least box", (heads) => {
    for (const layers of [2, 30, 48]) {
      const least = leastGrid(layers, heads);
      for (const width of [208, 300, 572, 900]) {
        for (const height of [180, 300, 480]) {
          // What the part gives it: the room there is, and no less than the least.
          const room = box(Math.max(width, least.width), Math.max(height, least.height));
          const g = gridLayout(layers, heads, room);
          expect(g.width).toBeLessThanOrEqual(room.width);
          expect(g.height).toBeLessThanOrEqual(room.height);
          expect(Math.min(g.pitchX, g.pitchY)).toBeGreaterThanOrEqual(5);
        }
      }
    }
    expect(leastGrid(48, heads).width).toBeLessThanOrEqual(400);
  });

  it("says how high a box can be of use, and keeps its cells in one so high", () => {
    for (const [layers, heads] of [
      [2, 4],
      [12, 64],
      [48, 25],
    ] as const) {
      const height = tallestGrid(layers, heads, 400);
      const g = gridLayout(layers, heads, box(400, height));
      expect(g.height).toBe(height);
      expect(gridLayout(layers, heads, box(400, 4000)).pitchY).toBe(g.pitchY);
    }
  });

  it("names every layer of a small model, some of a deep one, always the last", () => {
    expect(gridLayout(12, 12, box(260, 300)).rowLabels).toHaveLength(12);
    expect(gridLayout(30, 9, box(240, 600)).rowLabels).toEqual([0, 5, 10, 15, 20, 25, 29]);
    expect(gridLayout(31, 9, box(240, 600)).rowLabels).toEqual([0, 5, 10, 15, 20, 25, 30]);
    expect(gridLayout(32, 9, box(240, 600)).rowLabels).toEqual([0, 5, 10, 15, 20, 25, 31]);
  });

  it("never puts two numbers into one place", () => {
    for (const heads of [1, 4, 8, 12, 16, 25, 32, 64, 128]) {
      for (const layers of [1, 2, 12, 13, 48, 126]) {
        const g = gridLayout(layers, heads, box(240, 500));
        const gaps = (labels: number[]): number[] =>
          labels.slice(1).map((l, i) => l - (labels[i] as number));
        for (const gap of gaps(g.columnLabels)) expect(gap * g.pitchX).toBeGreaterThanOrEqual(8);
        for (const gap of gaps(g.rowLabels)) expect(gap * g.pitchY).toBeGreaterThanOrEqual(11);
      }
    }
  });
});

it("finds every head by its middle, every layer's bar, and nothing outside", () => {
  const g = gridLayout(5, 7, box(240, 120));
  for (let layer = 0; layer < 5; layer++) {
    for (let head = 0; head < 7; head++) {
      const [x, y] = [g.x0 + (head + 0.5) * g.pitchX, g.y0 + (layer + 0.5) * g.pitchY];
      expect(hitGrid(g, x, y)).toEqual({ layer, head });
    }
  }
  expect(hitGrid(g, g.x0 - 1, g.y0 + 5)).toBeNull();
  expect(hitGrid(g, g.barX + 5, g.y0 + 5)).toBeNull();
  expect(hitBar(g, g.barX + 5, g.y0 + g.pitchY + 2)).toBe(1);
  expect(hitGrid(g, g.x0 + 5, g.y0 + 5 * g.pitchY + 1)).toBeNull();
});

describe("drawGrid", () => {
  const table = sequential(lightTheme);
  const layout = gridLayout(2, 3, box(240, 300));
  const scale = { least: 0, most: 1, signed: false, unit: "attention" };
  const drawing: GridDrawing = {
    layout,
    values: Float32Array.from([0, 0.5, 1, Number.NaN, Number.NaN, Number.NaN]),
    theme: lightTheme,
    scale,
  };
  const fills = (o: GridDrawing) => {
    const fake = fakeContext();
    drawGrid(fake.ctx, o);
    return fake;
  };
  const over = (o: GridOver) => {
    const fake = fakeContext();
    drawGridOver(fake.ctx, drawing, o);
    return fake;
  };

  it("colours what is known, and hatches what is not", () => {
    const { of } = fills(drawing);
    const colours = of("fillRect").map((d) => d.fill);
    expect(colours).toContain(css(table, 0.5));
    expect(colours).toContain(css(table, 1));
    expect(of("clip")).toHaveLength(1);
    expect(of("rect")).toHaveLength(3);
    expect(fills({ ...drawing, values: new Float32Array(6) }).of("clip")).toHaveLength(0);
  });

  it("fades what cannot be told from chance", () => {
    const colours = fills({ ...drawing, faint: Uint8Array.of(0, 0, 1, 0, 0, 0) })
      .of("fillRect")
      .map((d) => d.fill);
    expect(colours).toContain(css(table, 0.5));
    expect(colours).not.toContain(css(table, 1));
  });

  it("names both axes and the bars", () => {
    const words = fills(drawing).texts();
    for (const name of ["layer", "head", "max"]) expect(words.map((t) => t.text)).toContain(name);
  });

  it("has a bar for each layer that has a value, as long as its best head", () => {
    const bars = (o: GridDrawing) =>
      fills(o)
        .of("fillRect")
        .filter((d) => d.fill === lightTheme.muted);
    expect(bars(drawing).map((d) => [d.args[0], d.args[2]])).toEqual([
      [layout.barX, layout.barWidth],
    ]);
    const values = Float32Array.from([-0.5, 0.1, 0, 0, 0, 0]);
    const signed = { ...drawing, scale: { ...scale, least: -1, signed: true }, values };
    expect(bars(signed).map((d) => d.args[2])).toEqual([layout.barWidth / 2]);
    expect(bestOf(values, 3, 0, true)).toEqual({ head: 0, value: -0.5 });
    expect(bestOf(drawing.values, 3, 1, false)).toBeNull();
  });

  it("uses the accent for the selected head and nowhere else", () => {
    expect(fills(drawing).drawn.filter((d) => d.fill === lightTheme.accent)).toHaveLength(0);
    const { drawn } = over({ selected: { layer: 1, head: 2 }, hover: { layer: 0, head: 0 } });
    const selected = drawn.filter((d) => d.fill === lightTheme.accent);
    expect(selected.filter((d) => d.what === "fillText").map((d) => d.args[0])).toEqual(["1", "2"]);
    const lefts = selected.filter((d) => d.what === "fillRect").map((d) => Number(d.args[0]));
    expect(Math.min(...lefts)).toBe(layout.x0 + 2 * layout.pitchX - 3);
  });

  it("marks heads", () => {
    expect(fills({ ...drawing, marks: Uint8Array.of(0, 1, 1, 0, 0, 0) }).of("arc")).toHaveLength(2);
  });

  it("draws what there is when values are too few, or all the same", () => {
    const same = { ...scale, most: 0 };
    expect(() => fills({ ...drawing, values: new Float32Array(2), scale: same })).not.toThrow();
  });
});
