import { signal } from "@preact/signals";
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { GraphData } from "../draw/graph-layout";
import { fakeBoxes } from "../test/fake-box";
import { lightTheme } from "../test/fake-theme";
import { Graph, type GraphProps } from "./Graph";

const DATA: GraphData = {
  rows: ["0", "1"],
  nodes: { row: [0, 0, 1], label: ["0.0", "0.1", "1.0"], place: [0.25, 0.75, 0.5] },
  edges: { source: [0, 1], target: [2, 2], weight: [0.9, -0.4], label: null },
};

let root: HTMLElement;
let contexts: ReturnType<typeof fakeBoxes>;
beforeEach(() => {
  contexts = fakeBoxes(300, 200);
  root = document.createElement("div");
  document.body.append(root);
});
afterEach(() => {
  render(null, root);
  root.remove();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const theme = signal(lightTheme);

async function show(given: Partial<GraphProps> = {}): Promise<void> {
  await act(() =>
    render(
      <Graph
        name="g"
        label="Pairs."
        data={DATA}
        theme={theme}
        most={1}
        unit="Pearson r"
        signed={true}
        said={({ kind, at }) => `${kind} ${at}`}
        {...given}
      />,
      root,
    ),
  );
}

const part = (name: string) => root.querySelector(`[data-cw=${name}]`) as HTMLElement;
const press = (code: string, shiftKey = false) =>
  act(() => {
    root
      .querySelector(".stack")
      ?.dispatchEvent(new KeyboardEvent("keydown", { code, shiftKey, bubbles: true }));
  });
const drawn = (name: string, what: string) =>
  contexts.get(part(name) as HTMLCanvasElement)?.of(what).length ?? 0;

describe("the graph part", () => {
  it("says the unit and the ends of its scale, the sign included", async () => {
    await show();
    expect(part("g-legend").textContent).toContain("Pearson r");
    expect(part("g-legend").textContent).toMatch(/−1.*1/);
  });

  it("says the ends where the threshold leaves no line, in order", async () => {
    await show({ most: 0.5, least: 2 });
    expect(part("g-legend").textContent).toBe("−0.50.5Pearson r");
  });

  it("is walked through by keys, says where one is, and selects with Enter", async () => {
    const [edges, nodes]: number[][] = [[], []];
    await show({ chooseEdge: (e) => edges?.push(e), chooseNode: (n) => nodes?.push(n) });
    await press("ArrowUp");
    expect(part("g-tip").textContent).toBe("node 2");
    expect(part("g-tip").getAttribute("aria-live")).toBe("polite");
    await press("ArrowDown");
    expect(part("g-tip").textContent).toMatch(/node [01]/);
    await press("Enter");
    expect(nodes).toHaveLength(1);
    await press("ArrowRight", true);
    await press("Enter");
    expect(edges).toHaveLength(1);
    await press("Escape");
    expect(part("g-tip").textContent).toBe("\u00a0");
  });

  it("keeps its base while one points or moves by keys", async () => {
    await show();
    const before = drawn("g", "clearRect");
    await press("ArrowUp");
    expect(drawn("g", "clearRect")).toBe(before);
    expect(drawn("g-over", "clearRect")).toBeGreaterThan(1);
  });

  it("draws what a new topic brings", async () => {
    await show();
    const before = drawn("g", "bezierCurveTo");
    await show({
      data: { ...DATA, edges: { source: [0], target: [2], weight: [0.5], label: null } },
    });
    expect(drawn("g", "bezierCurveTo")).toBe(before + 1);
  });

  it("draws again in another theme", async () => {
    await show();
    const before = drawn("g", "clearRect");
    await act(() => {
      theme.value = { ...lightTheme, page: "#123456" };
    });
    expect(drawn("g", "clearRect")).toBe(before + 1);
  });
});

describe("a band", () => {
  it("is chosen by a click beside nodes and edges", async () => {
    const chosen: number[] = [];
    let nothing = 0;
    await show({
      bands: [{ label: "low", first: 1, last: 1 }],
      chooseBand: (band) => chosen.push(band),
      chooseNothing: () => {
        nothing += 1;
      },
    });
    const click = (clientX: number, clientY: number) =>
      act(() => {
        root
          .querySelector(".stack")
          ?.dispatchEvent(new MouseEvent("click", { clientX, clientY, bubbles: true }));
      });
    await click(285, 18);
    expect([chosen, nothing]).toEqual([[0], 0]);
    await click(285, 190);
    expect([chosen, nothing]).toEqual([[0], 1]);
  });
});
