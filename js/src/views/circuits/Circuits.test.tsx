import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Session } from "../../model/session";
import { fakeBoxes } from "../../test/fake-box";
import { fakeCircuit } from "../../test/fake-circuit";
import { openSession } from "../../test/fake-session";
import { Circuits } from "../circuits";

let root: HTMLElement;
let session: Session;
let abort: AbortController;
let contexts: ReturnType<typeof fakeBoxes>;
beforeEach(async () => {
  contexts = fakeBoxes(400, 300);
  ({ session, abort } = openSession({ live: false }));
  root = document.createElement("div");
  document.body.append(root);
  session.topic.value = fakeCircuit();
  await act(() => render(<Circuits session={session} />, root));
});
afterEach(() => {
  render(null, root);
  root.remove();
  abort.abort();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const part = (name: string) => root.querySelector(`[data-cw=${name}]`) as HTMLElement;
const said = (name: string) => part(name)?.textContent ?? "";
const rows = (name: string) => [...part(name).querySelectorAll<HTMLElement>("tbody tr")];
const set = (name: string, value: string | number) =>
  act(() => session.params.set(`circuits.${name}`, value));
const button = (name: string) =>
  [...root.querySelectorAll("button")].find((each) => each.textContent?.trim() === name);
/** Lines of the latest drawing. */
function lines(): number {
  const all = contexts.get(part("circuit") as HTMLCanvasElement)?.drawn ?? [];
  const from = all.map(({ what }) => what).lastIndexOf("clearRect");
  return all.slice(from).filter(({ what }) => what === "bezierCurveTo").length;
}

it("moves graph, numbers, table and curve with the size", async () => {
  expect(part("size").getAttribute("aria-valuetext")).toBe("4 of 12 edges (33 %)");
  expect([said("drawn"), rows("edges").length, lines()]).toEqual(["the chosen circuit", 4, 3]);
  await set("size", 2);
  expect([said("drawn"), rows("edges").length]).toEqual(["", 7]);
  expect(lines()).toBe(7);
  expect(said("faithfulness-tip")).toContain("7 edges: faithfulness 1.00");
});

it("says what a stream has not measured yet, and how many edges of a large circuit are drawn", async () => {
  await act(() => {
    session.topic.value = fakeCircuit({ measured: false, most: 3, chosen: 2 });
  });
  expect(said("faithfulness-tip")).toBe("Not measured yet.");
  expect(said("drawn")).toBe("the chosen circuit; drawn: the 3 strongest");
  expect(said("edges-order")).toContain("the 3 strongest of 7");
});

it("shows the edges of what is selected, and the parts of a line", async () => {
  await act(() => session.select({ layer: 0, head: 1 }));
  expect(said("subject")).toBe("0.1");
  expect(said("effect")).toBe(
    "Without it the chosen circuit's faithfulness falls by 0.50 (90 % interval 0.50 to 0.50).",
  );
  expect([rows("reads").length, rows("writes").length]).toEqual([1, 2]);
  await act(() => rows("writes")[0]?.click());
  expect(session.params.choice("circuits.selected").value).toBe("0.1 → 1.1");
  expect([said("subject"), rows("parts").length]).toEqual(["0.1 → 1.1", 2]);
  expect(rows("parts")[0]?.textContent).toContain("≠\u00a00");
  await set("selected", "0.mlp");
  expect(said("effect")).toBe("Not in the circuit of 4 of 12 edges.");
  await set("selected", "nobody");
  expect(said("subject")).toContain("nobody is not in the circuit");
});

it("folds picked nodes into one, unfolds it, and forgets it", async () => {
  await set("picked", "0.1, 1.1");
  await act(() => button("fold into one")?.click());
  expect(session.params.choice("circuits.groups").value).toBe("group 1: 0.1, 1.1");
  expect(lines()).toBe(2);
  expect(said("subject")).toBe("group 1");
  await act(() => button("unfold")?.click());
  expect([session.params.choice("circuits.open").value, lines()]).toEqual(["group 1", 3]);
  await act(() => button("×")?.click());
  expect(session.params.choice("circuits.groups").value).toBe("");
});
