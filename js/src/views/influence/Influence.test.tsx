import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Session } from "../../model/session";
import { fakeTable, fakeTopic } from "../../test/fake-blocks";
import { fakeBoxes } from "../../test/fake-box";
import { openSession } from "../../test/fake-session";
import { Influence } from "../influence";

const told = (measures: Record<string, (number | null)[]>) =>
  fakeTopic(
    "influence",
    { position: 3, target: " dog", n_prompt: 4 },
    fakeTable(
      "measures",
      Object.fromEntries(
        Object.entries(measures).flatMap(([name, numbers]) => [
          [name, { numbers, unit: "nats" }],
          ...(["low", "high"] as const).map((role) => [
            `${name}_${role}`,
            { numbers, role, of: name, about: "90 % interval" },
          ]),
        ]),
      ),
    ),
  );
const topic = told({ logp: [null, 0.5, -0.25, 1], kl: [null, 0.1, 0.2, 0.3] });

let root: HTMLElement;
let session: Session;
let abort: AbortController;
beforeEach(async () => {
  fakeBoxes(400, 300);
  ({ session, abort } = openSession({ live: false }));
  root = document.createElement("div");
  document.body.append(root);
  session.topic.value = topic;
  await act(() => render(<Influence session={session} />, root));
});
afterEach(() => {
  render(null, root);
  root.remove();
  abort.abort();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const part = (name: string) => root.querySelector(`[data-cw=${name}]`) as HTMLElement;

it("says what the influence is on, and what the selected token does", async () => {
  expect(root.querySelector("h3")?.textContent).toBe(
    "Influence on “dog” (predicted after position 3)",
  );
  await act(() => session.select({ query: 2 }));
  expect(part("effect").textContent).toContain("“c” (position 2): −0.25 nats, 90 % interval −0.25");
  await act(() => session.select({ query: 0 }));
  expect(part("effect").textContent).toContain("not computed");
});

it("shows another measure by its name", async () => {
  await act(() => session.select({ query: 2 }));
  await act(() => session.params.set("influence.measure", "kl"));
  expect(part("effect").textContent).toContain("0.20");
});

it("has no heads: neither their keys nor one that is selected", () => {
  expect(session.commands.useful.some(({ id }) => id.startsWith("head."))).toBe(false);
  expect(root.querySelector("footer")?.textContent).not.toContain("selection");
});

it("colours the words again when a stream brings more", async () => {
  const ground = () => root.querySelectorAll<HTMLElement>(".word")[0]?.style.backgroundColor;
  expect(ground()).toBe("");
  await act(() => {
    session.topic.value = told({ logp: [2, 0.5, -0.25, 1] });
  });
  expect(ground()).not.toBe("");
});
