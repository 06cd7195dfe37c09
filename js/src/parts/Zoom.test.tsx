import { signal } from "@preact/signals";
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fakeBoxes } from "../test/fake-box";
import { lightTheme } from "../test/fake-theme";
import { Heat } from "./Heat";
import { useZoom, type Zoom } from "./Zoom";

const N = 100;
const names = Array.from({ length: N }, (_, i) => `t${i}`);
const values = new Float32Array(N * N);

let root: HTMLElement;
let zoom: Zoom;
let chosen: string[];
beforeEach(async () => {
  fakeBoxes(600, 600);
  root = document.createElement("div");
  document.body.append(root);
  chosen = [];
  await act(() => render(<Zoomed />, root));
});
afterEach(() => {
  render(null, root);
  root.remove();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const theme = signal(lightTheme);

function Zoomed() {
  zoom = useZoom();
  return (
    <Heat
      name="m"
      label="Attention."
      theme={theme}
      rows={{ label: "query", names }}
      cols={{ label: "key", names }}
      cells={{ rows: N, cols: N, values }}
      scale={{ least: 0, most: 1, signed: false, unit: "attention" }}
      choose={(row, col) => chosen.push(`${row} ${col}`)}
      said={() => ""}
      zoom={zoom}
    />
  );
}

const canvas = () => root.querySelector("[data-cw=m]") as HTMLElement;
const middle = () => {
  const [x, y, width, height] = (canvas().dataset.frame ?? "").split(",").map(Number) as number[];
  return { clientX: (x ?? 0) + (width ?? 0) / 2, clientY: (y ?? 0) + (height ?? 0) / 2 };
};
const send = (event: Event) =>
  act(() => {
    canvas().dispatchEvent(event);
  });
const pointer = (what: string, at: object, pointerType = "mouse") =>
  send(new PointerEvent(what, { bubbles: true, pointerType, ...at }));
const wheel = (ctrlKey: boolean, deltaY: number) => {
  const event = new WheelEvent("wheel", { bubbles: true, cancelable: true, deltaY });
  // happy-dom's wheel is no mouse event.
  Object.defineProperties(event, {
    ctrlKey: { value: ctrlKey },
    clientX: { value: middle().clientX },
    clientY: { value: middle().clientY },
  });
  return send(event).then(() => event);
};
const span = () => {
  const { value } = zoom.window;
  return value ? value.r1 - value.r0 : N;
};

describe("zoom", () => {
  it("is a wheel with ctrl; without, the page scrolls", async () => {
    expect((await wheel(false, -400)).defaultPrevented).toBe(false);
    expect(span()).toBe(N);
    expect((await wheel(true, -400)).defaultPrevented).toBe(true);
    expect(span()).toBeLessThan(50);
    await wheel(true, 4000);
    expect(zoom.window.value).toBeNull();
  });

  it("pans by a drag that selects nothing; a steady hand's click selects", async () => {
    await wheel(true, -400);
    const before = zoom.window.value?.c0 ?? 0;
    const at = middle();
    await pointer("pointerdown", at);
    await pointer("pointermove", { ...at, clientX: at.clientX - 60 });
    await pointer("pointerup", at);
    await send(new MouseEvent("click", { bubbles: true, ...at }));
    expect(zoom.window.value?.c0).toBeGreaterThan(before);
    expect(chosen).toEqual([]);
    await pointer("pointerdown", at);
    await pointer("pointermove", { ...at, clientX: at.clientX + 1 });
    await pointer("pointerup", at);
    await send(new MouseEvent("click", { bubbles: true, ...at }));
    expect(chosen).toHaveLength(1);
  });

  it("leaves a finger's drag to the page", async () => {
    await wheel(true, -400);
    const before = zoom.window.value;
    const at = middle();
    await pointer("pointerdown", at, "touch");
    await pointer("pointermove", { ...at, clientX: at.clientX - 60 }, "touch");
    expect(zoom.window.value).toBe(before);
  });
});
