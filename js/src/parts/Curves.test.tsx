import { signal } from "@preact/signals";
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { fakeBoxes } from "../test/fake-box";
import { lightTheme } from "../test/fake-theme";
import { Curves, type CurvesProps } from "./Curves";

let root: HTMLElement;
beforeEach(() => {
  fakeBoxes(300, 140);
  root = document.createElement("div");
  document.body.append(root);
});
afterEach(() => {
  render(null, root);
  root.remove();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const chosen: number[] = [];
async function show(given: Partial<CurvesProps> = {}): Promise<void> {
  const props: CurvesProps = {
    ...{ name: "c", label: "Curves.", theme: signal(lightTheme), xs: [1, 10, 100], log: true },
    ...{ xLabel: "edges", yLabel: "share", lines: [0, 1], at: 1, missing: null },
    curves: [
      {
        ...{ label: "alone", about: "Alone.", tone: "accent", dash: [] },
        ...{ values: [0, 0.5, 1], low: null, high: null },
      },
    ],
    choose: (at) => chosen.push(at),
    said: (at) => `point ${at}`,
    ...given,
  };
  await act(() => render(<Curves {...props} />, root));
}
const tip = () => root.querySelector("[data-cw=c-tip]");

it("says the chosen point, and what is missing in its place", async () => {
  await show();
  expect(tip()?.textContent).toBe("point 1");
  expect(tip()?.getAttribute("aria-live")).toBe("polite");
  expect(root.querySelector("[data-cw=c-legend]")?.textContent).toBe("alone");
  await show({ missing: "Not measured yet." });
  expect(tip()?.textContent).toBe("Not measured yet.");
});

it("goes from point to point by keys, and to the one that is clicked", async () => {
  await show();
  const stack = root.querySelector(".stack") as HTMLElement;
  const press = (code: string) =>
    stack.dispatchEvent(new KeyboardEvent("keydown", { code, bubbles: true, cancelable: true }));
  await act(() => {
    press("ArrowRight");
    press("ArrowLeft");
    press("KeyX");
  });
  expect(chosen.splice(0)).toEqual([2, 0]);
  await act(() => {
    stack.dispatchEvent(new MouseEvent("mousemove", { clientX: 280, clientY: 20, bubbles: true }));
  });
  expect(tip()?.textContent).toBe("point 2");
  await act(() => {
    stack.dispatchEvent(new MouseEvent("click", { clientX: 50, clientY: 20, bubbles: true }));
  });
  expect(chosen.splice(0)).toEqual([0]);
});
