import { signal } from "@preact/signals";
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fakeBoxes } from "../test/fake-box";
import { lightTheme } from "../test/fake-theme";
import { type HeadAt, HeadGrid, type HeadGridProps } from "./HeadGrid";

const LAYERS = 3;
const HEADS = 64;
const values = Float32Array.from({ length: LAYERS * HEADS }, (_, i) => i / (LAYERS * HEADS));

let root: HTMLElement;
let contexts: ReturnType<typeof fakeBoxes>;
beforeEach(() => {
  contexts = fakeBoxes(400, 120);
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
const hover = signal<HeadAt | null>(null);

function show(given: Partial<HeadGridProps> = {}): Promise<void> {
  return act(() =>
    render(
      <HeadGrid
        name="grid"
        label="Heads."
        theme={theme}
        layers={LAYERS}
        heads={HEADS}
        values={values}
        scale={{ least: 0, most: 1, signed: false, unit: "prefix matching", chance: 0.03 }}
        selected={[1, 2]}
        hover={hover}
        choose={() => {}}
        said={(layer, head) => `${layer}.${head}`}
        {...given}
      />,
      root,
    ),
  ) as Promise<void>;
}

const part = (name: string) => root.querySelector(`[data-cw=${name}]`) as HTMLElement;
const paints = (name: string) =>
  contexts.get(part(name) as HTMLCanvasElement)?.of("clearRect").length ?? 0;

function point(what: string, x: number, y: number): Promise<void> {
  return act(() => {
    part("grid").dispatchEvent(
      new MouseEvent(what, { bubbles: true, clientX: x, clientY: y, cancelable: true }),
    );
  }) as Promise<void>;
}

describe("the grid part", () => {
  it("paints its cells once, however much is pointed at and selected", async () => {
    await show();
    const before = paints("grid");
    for (let head = 0; head < 20; head++) {
      await act(() => {
        hover.value = [0, head];
      });
      await show({ selected: [2, head] });
    }
    expect(paints("grid")).toBe(before);
    await show({ values: new Float32Array(LAYERS * HEADS) });
    expect(paints("grid")).toBe(before + 1);
    await act(() => {
      hover.value = null;
    });
  });

  it("has a box in which its 64 heads are whole, and scrolls where there is less room", async () => {
    await show();
    const [x0, , across] = (part("grid").dataset.frame ?? "").split(",").map(Number) as number[];
    const least = Number.parseFloat(part("grid").parentElement?.style.minWidth ?? "");
    expect((x0 ?? 0) + HEADS * (across ?? 0) + 37).toBeLessThanOrEqual(400);
    expect(least).toBeLessThanOrEqual(400);
  });

  it("says which head is selected or pointed at, and what the bars are", async () => {
    await show();
    expect(part("grid-tip").textContent).toBe("1.2");
    expect(part("grid-tip").getAttribute("aria-live")).toBe("polite");
    const [x0, y0, across, down] = (part("grid").dataset.frame ?? "").split(",").map(Number) as [
      number,
      number,
      number,
      number,
    ];
    await point("mousemove", x0 + 7.5 * across, y0 + 0.5 * down);
    expect(part("grid-tip").textContent).toBe("0.7");
    await point("mousemove", x0 + HEADS * across + 12, y0 + 2.5 * down);
    expect(part("grid-tip").textContent).toBe("highest of layer 2: 2.63");
  });

  it("chooses the head that is clicked", async () => {
    const chosen: string[] = [];
    await show({ choose: (layer, head) => chosen.push(`${layer}.${head}`) });
    const [x0, y0, across, down] = (part("grid").dataset.frame ?? "").split(",").map(Number) as [
      number,
      number,
      number,
      number,
    ];
    await point("click", x0 + 63.5 * across, y0 + 2.5 * down);
    expect(chosen).toEqual(["2.63"]);
  });
});
