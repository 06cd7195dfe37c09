import { signal } from "@preact/signals";
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { fakeBoxes } from "../test/fake-box";
import { darkTheme, lightTheme } from "../test/fake-theme";
import { Thumbnails } from "./Thumbnails";

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
const names = ["0.0", "0.1", "1.2"];
const pictures = [null, null, null];
const chosen = vi.fn();
const show = (selected: number | null) =>
  act(() =>
    render(
      <Thumbnails
        {...{ name: "gallery", label: "Heads.", theme, names, pictures, selected }}
        choose={chosen}
        said={(at) => `head ${names[at]}`}
      />,
      root,
    ),
  );
const part = (name: string) => root.querySelector(`[data-cw=${name}]`) as HTMLCanvasElement;
const paints = (name: string) => contexts.get(part(name))?.of("clearRect").length ?? 0;
const point = (what: string, clientX: number) =>
  act(() => {
    part("gallery").dispatchEvent(new MouseEvent(what, { bubbles: true, clientX, clientY: 10 }));
  });

it("are painted once, however much is pointed at and selected", async () => {
  await show(0);
  const before = paints("gallery");
  expect(before).toBeGreaterThan(0);
  for (const x of [10, 70, 130]) await point("mousemove", x);
  expect(part("gallery-tip").textContent).toBe("head 1.2");
  await point("click", 70);
  expect(chosen).toHaveBeenCalledWith(1);
  await show(1);
  expect(paints("gallery")).toBe(before);
  expect(paints("gallery-over")).toBeGreaterThan(3);
  // What they are painted with is another thing.
  await act(() => {
    theme.value = darkTheme;
  });
  expect(paints("gallery")).toBe(before + 1);
});
