import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Session } from "../../model/session";
import { fakeBoxes } from "../../test/fake-box";
import { openSession } from "../../test/fake-session";
import { fakeModels, fakeTraining } from "../../test/fake-stability";
import { Stability } from "../stability";

let root: HTMLElement;
let session: Session;
let abort: AbortController;
beforeEach(() => {
  fakeBoxes(400, 300);
  ({ session, abort } = openSession({ live: false, n_layers: 2, n_heads: 2 }));
  root = document.createElement("div");
  document.body.append(root);
});
afterEach(() => {
  render(null, root);
  root.remove();
  abort.abort();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const show = async (topic: Session["topic"]["value"]) => {
  session.topic.value = topic;
  await act(() => render(<Stability session={session} />, root));
};
const part = (name: string) => root.querySelector(`[data-cw=${name}]`) as HTMLElement;
const said = (name: string) => part(name)?.textContent ?? "";
const rows = (name: string) => [...part(name).querySelectorAll<HTMLElement>("tbody tr")];
const set = (name: string, value: string | number) =>
  act(() => session.params.set(`stability.${name}`, value));

it("moves curves, heads and tables with the step, which is a parameter", async () => {
  await show(fakeTraining());
  await set("step", 500);
  await set("other", 2048);
  expect([said("one-step"), said("other-step")]).toEqual(["step 512", "step 2,048"]);
  expect(said("loss-tip")).toContain("step 512: loss 1.00");
  expect(said("similar-tip")).toContain("step 64 to 512: 0.10");
  expect(rows("edges")).toHaveLength(4);
  expect(part("step").getAttribute("aria-valuetext")).toBe("512: unstable phase");
  await act(() => session.commands.run("checkpoint.next"));
  expect(session.params.number("stability.step").value).toBe(2048);
  await act(() => session.commands.run("checkpoint.other.previous"));
  expect(said("other-step")).toBe("step 512");
});

it("shows the ends of a phase that is chosen, and roles that went to another head", async () => {
  await show(fakeTraining());
  await act(() => rows("phases")[1]?.click());
  expect([said("one-step"), said("other-step")]).toEqual(["step 64", "step 512"]);
  expect(rows("phases")[1]?.getAttribute("aria-selected")).toBe("true");
  expect(said("swaps")).toContain("0.0 at step 512");
  expect(said("swaps")).toContain("→ 0.1 at step 2,048");
});

it("shows circuits side by side, or why there is none", async () => {
  await show(fakeTraining());
  await set("show", "circuit");
  await set("step", 0);
  await set("other", 2048);
  expect(said("one-title")).toBe("step 0 no circuit");
  expect(said("other-title")).toBe("step 2,048 3 edges");
  await set("part", "1.1");
  expect(session.params.choice("stability.part").value).toBe("1.1");
});

it("shows two models by name, with every measure beside what it is compared with", async () => {
  await show(fakeModels());
  expect(said("overlap-tip")).toBe("a and c: 0.50 (0.38 to 0.63) by edges");
  expect(said("facts-list")).toContain("overlap by edges0.50  0.38 to 0.63halves 1.00");
  await set("a", "b");
  expect(said("transfer-tip")).toContain("of b in c, on other prompts: 0.30");
  await set("by", "role_overlap");
  expect(said("overlap-tip")).toContain("b and c: 0.60");
  await set("b", "b");
  expect(said("overlap-tip")).toBe("b with itself");
  await act(() => rows("parts")[0]?.click());
  expect(session.params.choice("stability.part").value).toBe("0.0");
  await act(() => rows("parts")[0]?.click());
  expect(session.params.choice("stability.part").value).toBe("");
});

it("says where models of other shapes cannot be compared", async () => {
  await show(fakeModels([0, 0, 1]));
  expect(said("panel-edges")).toContain("models of other shapes");
});
