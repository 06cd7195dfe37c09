import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Frame, type FrameProps, Panel } from "./Frame";
import { LEAST_HEIGHT } from "./Handle";

let root: HTMLElement;
beforeEach(() => {
  root = document.createElement("div");
  document.body.append(root);
});
afterEach(() => {
  render(null, root);
  root.remove();
});

const COMMANDS = [
  { id: "head.left", label: "select the head beside", short: "head", shown: "← →" },
  { id: "head.right", label: "select the head beside", short: "head", shown: "← →" },
  { id: "scale.turn", label: "colours", shown: "C" },
];

function show(given: Partial<FrameProps> = {}): Promise<void> {
  const props: FrameProps = {
    name: "induction",
    label: "Induction heads",
    heading: { model: "toy", layers: 2, heads: 4, tokens: 1, seconds: null, hooks: [] },
    progress: null,
    notice: { said: "", problem: false },
    stop: null,
    commands: COMMANDS,
    help: false,
    setHelp: vi.fn(),
    selected: "selection 1.2",
    height: null,
    setHeight: vi.fn(),
    hide: [],
    children: (
      <>
        <Panel name="pairs" label="Pairs">
          pairs
        </Panel>
        <Panel name="grid" label="Heads">
          grid
        </Panel>
      </>
    ),
    ...given,
  };
  return act(() => render(<Frame {...props} />, root));
}

const part = (name: string) => root.querySelector<HTMLElement>(`[data-cw=${name}]`);

describe("a frame", () => {
  it("says what model and text it is about", async () => {
    await show();
    expect(part("facts")?.textContent).toBe("toy 2 × 4 heads 1 token ");
    expect([part("title"), part("stop")]).toEqual([null, null]);
    const pruned = { model: "toy", layers: 2, heads: 4, fewest: 3, tokens: 0, seconds: null };
    await show({ heading: { ...pruned, hooks: [] } });
    expect(part("facts")?.textContent).toBe("toy 2 × 3 to 4 heads  ");
    await show({ title: "Figure 3", caption: "Two heads." });
    expect([part("title")?.textContent, part("caption")?.textContent]).toEqual([
      "Figure 3",
      "Two heads.",
    ]);
  });

  it("hides panels by their names", async () => {
    await show({ hide: ["pairs", "footer"] });
    expect([part("panel-pairs"), part("selected")]).toEqual([null, null]);
    expect(part("panel-grid")).not.toBeNull();
  });

  it("lists the keys of its commands, those of one label once", async () => {
    await show();
    expect(root.querySelector("footer")?.textContent).toBe("← → headselection 1.2");
    expect(part("help")).toBeNull();
    await show({ help: true });
    expect([...(part("help")?.querySelectorAll("dd") ?? [])].map((d) => d.textContent)).toEqual([
      "select the head beside",
      "colours",
    ]);
  });

  it("has a lower edge that keys move, and Home gives the height back", async () => {
    const setHeight = vi.fn();
    await show({ height: 300, setHeight });
    expect(root.querySelector<HTMLElement>(".root")?.style.getPropertyValue("--cw-height")).toBe(
      "300px",
    );
    const press = (code: string) =>
      part("handle")?.dispatchEvent(new KeyboardEvent("keydown", { code, bubbles: true }));
    press("ArrowUp");
    expect(setHeight).toHaveBeenLastCalledWith(LEAST_HEIGHT);
    press("Home");
    expect(setHeight).toHaveBeenLastCalledWith(null);
    expect(part("handle")?.dataset.keys).toContain("ArrowUp");
  });

  it("tells of a problem and of progress", async () => {
    const stop = vi.fn();
    await show({ progress: { done: 1, total: 4 }, notice: { said: "No.", problem: true }, stop });
    expect(part("notice")?.dataset.problem).toBe("true");
    expect(part("progress")?.getAttribute("aria-valuenow")).toBe("1");
    part("stop")?.click();
    expect(stop).toHaveBeenCalled();
  });
});
