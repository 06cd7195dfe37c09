import { signal } from "@preact/signals";
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Picture } from "../draw/picture";
import type { Cell } from "../draw/viewport";
import { fakeBoxes } from "../test/fake-box";
import { lightTheme } from "../test/fake-theme";
import { Heat, type HeatProps } from "./Heat";

const N = 1024;
const names = Array.from({ length: N }, (_, i) => `t${i}`);
const picture: Picture = {
  canvas: { width: N, height: N } as OffscreenCanvas,
  window: { r0: 0, r1: N, c0: 0, c1: N },
  step: 1,
};

let root: HTMLElement;
let contexts: ReturnType<typeof fakeBoxes>;
let ratioChanged: (() => void) | null;
beforeEach(() => {
  contexts = fakeBoxes(600, 600);
  ratioChanged = null;
  vi.spyOn(window, "matchMedia").mockImplementation(
    (query) =>
      ({
        addEventListener: (_: string, told: () => void) => {
          if (query.includes("resolution")) ratioChanged = told;
        },
        removeEventListener: () => {},
      }) as never,
  );
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
const hover = signal<Cell | null>(null);
const cells = signal<Picture | null>(picture);

function show(given: Partial<HeatProps> = {}): Promise<void> {
  return act(() =>
    render(
      <Heat
        name="m"
        label="Attention."
        theme={theme}
        rows={{ label: "query", names }}
        cols={{ label: "key", names }}
        cells={cells}
        scale={{ least: 0, most: 0.97, signed: false, unit: "attention", chance: 0.02 }}
        causal
        hover={hover}
        choose={() => {}}
        said={(row, col) => `${row} on ${col}`}
        {...given}
      />,
      root,
    ),
  ) as Promise<void>;
}

const part = (name: string) => root.querySelector(`[data-cw=${name}]`) as HTMLElement;
const paints = (name: string) =>
  contexts.get(part(name) as HTMLCanvasElement)?.of("clearRect").length ?? 0;
const press = (code: string) =>
  act(() => {
    part("m").parentElement?.dispatchEvent(new KeyboardEvent("keydown", { code, bubbles: true }));
  });

describe("the heat part", () => {
  it("paints its cells once, however much is pointed at and selected", async () => {
    await show();
    const [base, over] = [paints("m"), paints("m-over")];
    for (let i = 0; i < 60; i++)
      await act(() => {
        hover.value = { row: 500 + i, col: i };
      });
    for (let row = 0; row < 10; row++) await show({ selected: { row, col: null } });
    expect(paints("m")).toBe(base);
    expect(paints("m-over")).toBeGreaterThanOrEqual(over + 70);
    await act(() => {
      hover.value = null;
    });
  });

  it("paints them again for other cells, another theme, and a screen of other pixels", async () => {
    await show();
    const before = paints("m");
    await act(() => {
      cells.value = { ...picture };
    });
    await act(() => {
      theme.value = { ...lightTheme, page: "#123456" };
    });
    vi.stubGlobal("devicePixelRatio", 2);
    await act(() => ratioChanged?.());
    expect(paints("m")).toBe(before + 3);
  });

  it("paints values again when they change, not when only their holder does", async () => {
    const values = new Float32Array(4);
    const given = (values: Float32Array): Partial<HeatProps> => ({
      rows: { label: "", names: ["a", "b"] },
      cols: { label: "", names: ["a", "b"] },
      cells: { rows: 2, cols: 2, values },
    });
    const axes = given(values);
    await show(axes);
    const before = paints("m");
    await show({ ...axes, ...{ cells: { rows: 2, cols: 2, values } } });
    expect(paints("m")).toBe(before);
    await show({ ...axes, ...{ cells: { rows: 2, cols: 2, values: new Float32Array(4) } } });
    expect(paints("m")).toBe(before + 1);
  });

  it("is walked through by keys, stays below the diagonal, and says where one is", async () => {
    const chosen: string[] = [];
    await show({ choose: (row, col) => chosen.push(`${row} ${col}`) });
    expect(part("m").parentElement?.getAttribute("role")).toBe("application");
    await press("ArrowDown");
    await press("ArrowRight");
    await press("ArrowRight");
    expect(part("m-tip").textContent).toBe("1 on 1");
    expect(part("m-tip").getAttribute("aria-live")).toBe("polite");
    await press("Enter");
    expect(chosen).toEqual(["1 1"]);
  });

  it("shows its scale: ends, unit, and what chance would give", async () => {
    await show();
    expect(part("m-legend").textContent).toContain("attention");
    expect(part("m-legend").textContent).toMatch(/^0.*0\.97.*chance 0\.02$/);
    await show({ scale: { least: -2, most: 2, signed: true, unit: "nats" } });
    expect(part("m-legend").textContent).toMatch(/^−2.*2.*nats$/);
  });
});
