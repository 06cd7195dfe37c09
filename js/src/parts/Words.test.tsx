import { signal } from "@preact/signals";
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fakeBoxes } from "../test/fake-box";
import { lightTheme } from "../test/fake-theme";
import { Words, type WordsChart, type WordsLook, type WordsProps } from "./Words";

let root: HTMLElement;
let contexts: ReturnType<typeof fakeBoxes>;
beforeEach(() => {
  contexts = fakeBoxes(300, 200);
  for (const side of ["clientWidth", "clientHeight"] as const)
    vi.spyOn(HTMLElement.prototype, side, "get").mockReturnValue(300);
  root = document.createElement("div");
  document.body.append(root);
});
afterEach(() => {
  render(null, root);
  root.remove();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const TOKENS = ["<b>", " \\xe8", "\\x93", "\\x9d", " dog"];
const plain: WordsLook = { ground: [], signed: true, marks: {} };

async function show(given: Partial<WordsProps> = {}) {
  const look = signal<WordsLook>(plain);
  const at = signal<number | null>(null);
  const chosen: number[] = [];
  const props: WordsProps = {
    tokens: TOKENS,
    prompt: "<b> 蓝 dog",
    theme: signal(lightTheme),
    look,
    at,
    point: (token) => {
      at.value = token;
    },
    choose: (token) => chosen.push(token),
    label: "The text.",
    ...given,
  };
  await act(() => render(<Words {...props} />, root));
  return { look, at, chosen };
}

const words = () => [...root.querySelectorAll<HTMLElement>(".word")];

describe("the words", () => {
  it("are text, and one box a character", async () => {
    await show();
    expect(words().map((word) => word.textContent)).toEqual(["<b>", " 蓝", " dog"]);
    expect(root.querySelector("b")).toBeNull();
  });

  it("take their colours from a signal: the strongest of a character's parts", async () => {
    const { look } = await show();
    await act(() => {
      look.value = { ...plain, ground: [Number.NaN, 0.1, -1, 0, 0.01] };
    });
    const [first, second, third] = words().map((word) => word.style.backgroundColor);
    expect([first, third]).toEqual(["", ""]);
    expect(second).not.toBe("");
    expect(words()[1]?.style.color).not.toBe("");
  });

  it("show marks", async () => {
    const { look } = await show();
    await act(() => {
      look.value = { ...plain, marks: { pinned: (token) => token === 2 } };
    });
    expect(words().map((word) => word.classList.contains("pinned"))).toEqual([false, true, false]);
  });

  it("are walked through by keys, and chosen with Enter", async () => {
    const { at, chosen } = await show();
    const scroll = root.querySelector(".strip-scroll") as HTMLElement;
    for (const code of ["ArrowRight", "ArrowRight", "Enter"])
      await act(() => {
        scroll.dispatchEvent(new KeyboardEvent("keydown", { code, bubbles: true }));
      });
    expect([at.value, chosen]).toEqual([1, [1]]);
  });

  it("have a chart of their numbers, drawn again when they change", async () => {
    const missing = TOKENS.map(() => Number.NaN);
    const chart = signal<WordsChart>({ value: [1, 2, 3, 4, 5], low: missing, high: missing });
    await show({ chart });
    const canvas = root.querySelector("canvas") as HTMLCanvasElement;
    const dots = () => contexts.get(canvas)?.of("arc").length ?? 0;
    const before = dots();
    expect(before % 5).toBe(0);
    expect(before).toBeGreaterThan(0);
    await act(() => {
      chart.value = { value: [1, Number.NaN, 3, Number.NaN, 5], low: missing, high: missing };
    });
    expect(dots()).toBe(before + 3);
  });

  it("take another theme while they are off the page: a notebook does that to cells out of sight", async () => {
    const missing = TOKENS.map(() => Number.NaN);
    const chart = signal<WordsChart>({ value: [1, 2, 3, 4, 5], low: missing, high: missing });
    const theme = signal(lightTheme);
    await show({ chart, theme });
    const drawn = contexts.get(root.querySelector("canvas") as HTMLCanvasElement);
    const width = vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(0);
    await act(() => {
      theme.value = { ...lightTheme, line: "#123456" };
    });
    width.mockReturnValue(300);
    expect(drawn?.of("fillRect").some(({ fill }) => fill === "#123456")).toBe(true);
  });
});
