import { describe, expect, it } from "vitest";
import { fakeContext } from "../test/fake-context";
import { lightTheme } from "../test/fake-theme";
import { drawGraph, drawGraphOver, type GraphDrawing, lineColour, lineWidth } from "./graph";
import { firstNode, hitGraph, nodeBeside, pointAt } from "./graph-find";
import { barycentres, type GraphData, layoutGraph } from "./graph-layout";

const ROOM = { x0: 20, y0: 10, x1: 220, y1: 110 };

/** Two senders below, two receivers above, crossed as they are numbered. */
function crossed(): GraphData {
  return {
    rows: ["0", "1"],
    nodes: { row: [0, 0, 1, 1], label: ["0.0", "0.1", "1.0", "1.1"], place: null },
    edges: { source: [0, 1], target: [3, 2], weight: [0.9, -0.4], label: null },
  };
}

function drawing(data: GraphData, given: Partial<GraphDrawing> = {}): GraphDrawing {
  return {
    data,
    layout: layoutGraph(data, ROOM, "up"),
    theme: lightTheme,
    most: 1,
    signed: true,
    least: 0,
    columns: null,
    column: null,
    ...given,
  };
}

describe("the layout", () => {
  it("uncrosses what barycentres can uncross", () => {
    const place = barycentres(crossed());
    expect(Math.sign((place[0] ?? 0) - (place[1] ?? 0))).toBe(
      Math.sign((place[3] ?? 0) - (place[2] ?? 0)),
    );
  });

  it("puts the first row below where rows go up, at the left where they go right", () => {
    const up = layoutGraph(crossed(), ROOM, "up");
    expect([up.y[0], up.y[2]]).toEqual([104, 14]);
    const right = layoutGraph(crossed(), ROOM, "right");
    expect([right.x[0], right.x[2]]).toEqual([44, 172]);
  });

  it("keeps places that mean something", () => {
    const data = crossed();
    data.nodes.place = [0.1, 0.9, 0.25, 0.75];
    expect([...layoutGraph(data, ROOM, "up").x]).toEqual([40, 200, 70, 170]);
  });

  it("bows an edge between nodes of one row out of it", () => {
    const data = crossed();
    data.edges = { source: [0, 2], target: [1, 3], weight: [1, 1], label: null };
    const layout = layoutGraph(data, ROOM, "up");
    // And the topmost has room for it.
    expect(pointAt(layout.curves, 8, 0.5)[1]).toBeGreaterThan(ROOM.y0);
    expect(pointAt(layout.curves, 0, 0.5)[1]).toBeLessThan((layout.y[0] ?? 0) - 5);
  });

  it("places 500 edges over 30 layers, the strongest last", () => {
    const n = 300;
    const data: GraphData = {
      rows: Array.from({ length: 30 }, (_, i) => String(i)),
      nodes: {
        row: Array.from({ length: n }, (_, i) => Math.floor(i / 10)),
        label: Array.from({ length: n }, (_, i) => String(i)),
        place: null,
      },
      edges: {
        source: Array.from({ length: 500 }, (_, i) => (i * 7) % n),
        target: Array.from({ length: 500 }, (_, i) => (i * 13 + 5) % n),
        weight: Array.from({ length: 500 }, (_, i) => 1 / (i + 1)),
        label: null,
      },
    };
    const layout = layoutGraph(data, ROOM, "up");
    expect(layout.order[499]).toBe(0);
    expect([...layout.x].every(Number.isFinite)).toBe(true);
  });
});

describe("what is drawn", () => {
  it("has one scale of widths, and the sign in colour and dashes", () => {
    const scaled = { most: 1, data: crossed() };
    expect(lineWidth(1, scaled)).toBeGreaterThan(lineWidth(0.5, scaled));
    expect(lineWidth(-0.5, scaled)).toBe(lineWidth(0.5, scaled));
    expect(lineColour(0.5, 1, true, lightTheme)).not.toBe(lineColour(-0.5, 1, true, lightTheme));
    const fake = fakeContext();
    drawGraph(fake.ctx, drawing(crossed()));
    const dashes = fake.of("setLineDash").map(({ args }) => args[0]);
    expect(dashes).toContainEqual([4, 3]);
  });

  it("leaves out edges below the threshold", () => {
    const fake = fakeContext();
    drawGraph(fake.ctx, drawing(crossed(), { least: 0.5 }));
    expect(fake.of("bezierCurveTo")).toHaveLength(1);
  });

  it("names nodes only where names do not lie on each other, the strongest first", () => {
    const data = crossed();
    const many = 200;
    data.nodes = {
      row: Array.from({ length: many }, () => 0),
      label: Array.from({ length: many }, (_, i) => `name ${i}`),
      place: Array.from({ length: many }, (_, i) => (i + 0.5) / many),
    };
    data.edges = {
      source: Array.from({ length: many / 2 }, (_, i) => i),
      target: Array.from({ length: many / 2 }, (_, i) => many - 1 - i),
      weight: Array.from({ length: many / 2 }, (_, i) => i + 1),
      label: null,
    };
    const fake = fakeContext();
    drawGraph(fake.ctx, drawing(data));
    const names = fake.texts().filter(({ text }) => text.startsWith("name"));
    expect(names.length).toBeLessThan(16);
    expect(names[0]?.text).toBe("name 99");
  });

  it("names what has a row for itself before stronger nodes that stand close below it", () => {
    const heads = 40;
    const data: GraphData = {
      rows: ["in", "0", "out"],
      nodes: {
        row: [0, ...Array.from({ length: heads }, () => 1), 2],
        label: ["in", ...Array.from({ length: heads }, (_, i) => `0.${i}`), "logits"],
        place: [0.5, ...Array.from({ length: heads }, (_, i) => (i + 0.5) / heads), 0.5],
        // As the rows of thirty layers, all but one.
        lag: [0, ...Array.from({ length: heads }, () => 0.9), 0],
      },
      edges: {
        source: [...Array.from({ length: heads }, () => 0), 1],
        target: [...Array.from({ length: heads }, (_, i) => i + 1), heads + 1],
        weight: [...Array.from({ length: heads }, () => 1), 0.01],
        label: null,
      },
    };
    const fake = fakeContext();
    const layout = layoutGraph(data, { ...ROOM, y0: 16 }, "up");
    drawGraph(fake.ctx, drawing(data, { layout }));
    expect(fake.texts().map(({ text }) => text)).toContain("logits");
  });

  it("puts a node's name where no line passes, if there is such a place", () => {
    // A line straight up, close by on the right of a node in the middle row.
    const data: GraphData = {
      rows: ["0", "1", "2"],
      nodes: {
        row: [0, 2, 1, 2],
        label: ["", "", "1.0", ""],
        place: [0.5, 0.5, 0.45, 0.1],
      },
      edges: { source: [0, 2], target: [1, 3], weight: [0.9, 0.4], label: null },
    };
    const of = (given: GraphData) => {
      const fake = fakeContext();
      drawGraph(fake.ctx, drawing(given));
      return fake.of("fillText").find(({ args }) => args[0] === "1.0")?.args[1] as number;
    };
    const x = layoutGraph(data, ROOM, "up").x[2] as number;
    expect(of(data)).toBeLessThan(x);
    data.edges = { ...data.edges, weight: [Number.NaN, 0.4] };
    expect(of(data)).toBeGreaterThan(x);
  });

  it("draws over it only what is pointed at, selected or on the path", () => {
    const fake = fakeContext();
    drawGraphOver(fake.ctx, drawing(crossed()), {
      hover: { kind: "edge", at: 1 },
      focus: null,
      edge: 0,
      node: null,
      path: [{ source: 1, target: 3, label: "0.1" }],
    });
    const strokes = fake.of("stroke").map(({ stroke }) => stroke);
    expect(strokes).toEqual([lightTheme.accent, lightTheme.accent, lightTheme.ink]);
    expect(fake.texts().map(({ text }) => text)).toEqual(["0.1"]);
  });
});

describe("finding", () => {
  const data = crossed();
  const layout = layoutGraph(data, ROOM, "up");

  it("finds a node, then the nearest edge, else nothing", () => {
    const node: [number, number] = [layout.x[0] ?? 0, (layout.y[0] ?? 0) + 4];
    expect(hitGraph(data, layout, 0, ...node)).toEqual({ kind: "node", at: 0 });
    const [x, y] = pointAt(layout.curves, 8, 0.5);
    expect(hitGraph(data, layout, 0, x + 2, y)).toEqual({ kind: "edge", at: 1 });
    expect(hitGraph(data, layout, 0.5, x + 2, y)).toBeNull();
    expect(hitGraph(data, layout, 0, ROOM.x1, ROOM.y0)).toBeNull();
  });

  it("goes with the arrows to the node that lies that way", () => {
    expect(firstNode(data, layout, 0)).toBe(3);
    const below = nodeBeside(data, layout, 0, 3, [0, 1]);
    expect(data.nodes.row[below]).toBe(0);
    expect(nodeBeside(data, layout, 0, 3, [0, -1])).toBe(3);
  });
});
