import { describe, expect, it } from "vitest";
import { fakeContext } from "../test/fake-context";
import { lightTheme } from "../test/fake-theme";
import { css, sequential } from "./color";
import { drawGrid, type GridDrawing, gridLayout, hitGrid } from "./grid";

describe("gridLayout", () => {
  it("uses the room, within limits", () => {
    expect(gridLayout(30, 9, 240, 600).pitch).toBe(19);
    expect(gridLayout(12, 12, 2000, 2000).pitch).toBe(32);
    const tight = gridLayout(48, 25, 240, 400);
    expect(tight.pitch).toBeGreaterThanOrEqual(6);
    expect(tight.width).toBeLessThanOrEqual(240);
  });

  it("fits the height when it can, and scrolls rather than shrink below 6 px", () => {
    expect(gridLayout(30, 9, 240, 420).height).toBeLessThanOrEqual(420);
    const deep = gridLayout(126, 9, 240, 400);
    expect(deep.pitch).toBe(6);
    expect(deep.height).toBeGreaterThan(400);
  });

  it("names every layer of a small model, some of a deep one, always the last", () => {
    expect(gridLayout(12, 12, 260, 300).rowLabels).toHaveLength(12);
    expect(gridLayout(30, 9, 240, 600).rowLabels).toEqual([0, 5, 10, 15, 20, 25, 29]);
    expect(gridLayout(31, 9, 240, 600).rowLabels).toEqual([0, 5, 10, 15, 20, 25, 30]);
    expect(gridLayout(32, 9, 240, 600).rowLabels).toEqual([0, 5, 10, 15, 20, 25, 31]);
  });

  it("never puts two numbers into one place", () => {
    for (const heads of [1, 4, 8, 12, 16, 25, 32, 64, 128]) {
      for (const layers of [1, 2, 12, 13, 48, 126]) {
        const g = gridLayout(layers, heads, 240, 500);
        const gaps = (labels: number[]): number[] =>
          labels.slice(1).map((l, i) => l - (labels[i] as number));
        for (const gap of gaps(g.columnLabels)) expect(gap * g.pitch).toBeGreaterThanOrEqual(8);
        for (const gap of gaps(g.rowLabels)) expect(gap * g.pitch).toBeGreaterThanOrEqual(11);
      }
    }
  });
});

it("hitGrid finds every head by its middle, and none outside", () => {
  const g = gridLayout(5, 7, 240, 300);
  for (let layer = 0; layer < 5; layer++) {
    for (let head = 0; head < 7; head++) {
      const [x, y] = [g.x0 + head * g.pitch + g.cell / 2, g.y0 + layer * g.pitch + g.cell / 2];
      expect(hitGrid(g, x, y)).toEqual({ layer, head });
    }
  }
  expect(hitGrid(g, g.x0 - 1, g.y0 + 5)).toBeNull();
  expect(hitGrid(g, g.barX + 5, g.y0 + 5)).toBeNull();
  expect(hitGrid(g, g.x0 + 5, g.y0 + 5 * g.pitch + 1)).toBeNull();
});

describe("drawGrid", () => {
  const table = sequential(lightTheme);
  const layout = gridLayout(2, 3, 240, 300);
  const drawing: GridDrawing = {
    layout,
    values: Float32Array.from([0, 0.5, 1, Number.NaN, Number.NaN, Number.NaN]),
    table,
    theme: lightTheme,
    vmin: 0,
    vmax: 1,
    selected: null,
    hover: null,
  };
  const fills = (o: GridDrawing) => {
    const fake = fakeContext();
    drawGrid(fake.ctx, o);
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

  it("has a bar for each layer that has a value, as long as its best head", () => {
    const bars = (o: GridDrawing) =>
      fills(o)
        .of("fillRect")
        .filter((d) => d.fill === lightTheme.muted);
    expect(bars(drawing).map((d) => [d.args[0], d.args[2]])).toEqual([
      [layout.barX, layout.barWidth],
    ]);
    const signed = { ...drawing, vmin: -1, values: Float32Array.from([-0.5, 0.1, 0, 0, 0, 0]) };
    expect(bars(signed).map((d) => d.args[2])).toEqual([layout.barWidth / 2]);
  });

  it("uses the accent for the selected head and nowhere else", () => {
    const uses = (o: GridDrawing) => fills(o).drawn.filter((d) => d.fill === lightTheme.accent);
    expect(uses(drawing)).toHaveLength(0);
    const selected = uses({ ...drawing, selected: { layer: 1, head: 2 } });
    expect(selected.filter((d) => d.what === "fillText").map((d) => d.args[0])).toEqual(["1", "2"]);
    const lefts = selected.filter((d) => d.what === "fillRect").map((d) => Number(d.args[0]));
    expect(Math.min(...lefts)).toBe(layout.x0 + 2 * layout.pitch - 3);
  });

  it("marks heads", () => {
    expect(fills({ ...drawing, marks: Uint8Array.of(0, 1, 1, 0, 0, 0) }).of("arc")).toHaveLength(2);
  });

  it("draws what there is when values are too few, or all the same", () => {
    expect(() => fills({ ...drawing, values: new Float32Array(2), vmax: 0 })).not.toThrow();
  });
});
