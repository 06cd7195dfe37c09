import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Session } from "../../model/session";
import { fakeBoxes } from "../../test/fake-box";
import { fakeFailures } from "../../test/fake-failures";
import type { FakeModel } from "../../test/fake-model";
import { openSession } from "../../test/fake-session";
import { Failures } from "../failures";

let root: HTMLElement;
let session: Session;
let model: FakeModel;
let abort: AbortController;
const open = async (live: boolean, topic = fakeFailures()) => {
  fakeBoxes(400, 300);
  ({ session, abort, model } = openSession({ live, n_layers: 2, n_heads: 2, tokens: [] }));
  root = document.createElement("div");
  document.body.append(root);
  session.topic.value = topic;
  await act(() => session.select({ layer: 1, head: 1 }));
  await act(() => render(<Failures session={session} />, root));
};
beforeEach(() => open(true));
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
const asked = (kind: string) => model.requests.filter((request) => request.kind === kind);
const set = (name: string, value: string | number) =>
  act(() => session.params.set(`failures.${name}`, value));

it("a case shows its tokens, its answers and its part; filters leave the others out", async () => {
  expect(rows("cases").map((row) => row.querySelectorAll("td")[4]?.textContent)).toEqual([
    "attention collapse",
    "overactivation",
    "unknown",
  ]);
  expect([said("case-name"), said("case-text")]).toEqual(["Case 0 attention collapse", "aba"]);
  expect(said("part-name")).toContain("1.1 attention collapse, z 9.0, q 0.001");
  expect(said("evidence")).toBe("entropy 0.98, usually 0.21");
  expect(said("tried")).toContain("0.25 → 0.75");
  expect(said("transfers")).toContain("50 % (95 % interval 25 % to 75 %)");
  await act(() => rows("cases")[1]?.click());
  expect([said("case-name"), said("part-name")]).toEqual([
    "Case 1 overactivation",
    "MLP 0 overactivation, z 6.0, q 0.010",
  ]);
  expect(said("no-pattern")).toBe("MLP 0 has no attention.");
  await set("layer", "1");
  expect(rows("cases")).toHaveLength(2);
  expect(said("cases-order")).toBe("2 of 3 pass the filters");
  await set("type", "unknown");
  expect(said("cases-empty")).toBe("No case passes these filters.");
});

it("keys go from case to case and from head to head: then no MLP is selected", async () => {
  await act(() => session.commands.run("case.next"));
  expect(said("part-name")).toContain("MLP 0");
  await act(() => session.moveHead(0, -1));
  expect(session.params.choice("failures.part").value).toBe("");
  expect(said("part-name")).toContain("1.0 unknown");
  await act(() => session.commands.run("case.previous"));
  expect(said("case-name")).toContain("Case 0");
});

it("asks for a fix that the part can have, and for a case that is typed", async () => {
  const fix = part("fix") as HTMLSelectElement;
  expect([...fix.options].map(({ value }) => value)).toEqual(["patch", "redirect"]);
  await set("fix", "redirect");
  await act(() => session.commands.run("fix.try"));
  expect(asked("fix")[0]).toMatchObject({ case: 0, part: "1.1", fix: "redirect" });
  // An MLP attends to nothing: there is no such fix.
  await set("part", "0.mlp");
  await act(() => part("try").click());
  expect(asked("fix")[1]).toMatchObject({ part: "0.mlp", fix: "patch" });
  (part("add-prompt") as HTMLInputElement).value = "b c b";
  (part("add-expected") as HTMLInputElement).value = "c";
  await act(() => part("add").click());
  expect(asked("case")[0]).toMatchObject({ prompt: "b c b", expected: "c" });
});

it("without a kernel all that was found stays, and what needs it says so", async () => {
  render(null, root);
  await open(false, fakeFailures({ missing: "The model is gone.", pictures: true }));
  expect(rows("cases")).toHaveLength(3);
  expect((part("try") as HTMLButtonElement).disabled).toBe(true);
  expect((part("add") as HTMLButtonElement).disabled).toBe(true);
  expect(said("why-not")).toBe("The model is gone.");
  const tip = (canvas: string) => part(canvas).dataset.frame;
  expect([tip("failing"), tip("healthy")].every(Boolean)).toBe(true);
  expect(session.commands.useful.some(({ id }) => id === "fix.try")).toBe(false);
  await act(() => session.commands.run("fix.try"));
  expect(asked("fix")).toEqual([]);
});
