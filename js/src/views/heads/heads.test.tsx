import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Session } from "../../model/session";
import { openSession, score } from "../../test/fake-session";
import { HeadCard } from "./HeadCard";
import { Ranking } from "./Ranking";

const planes = [
  Array.from({ length: 12 }, (_, i) => (i === 3 ? Number.NaN : i / 20)),
  Array.from({ length: 12 }, (_, i) => i / 20 - 0.01),
  Array.from({ length: 12 }, (_, i) => i / 20 + 0.01),
];
const root = document.createElement("div");
let session: Session;
let abort: AbortController;
beforeEach(() => {
  const made = openSession();
  ({ session, abort } = made);
  const told = score("x", { low: 1, high: 2, interval: "90 % interval", chance: 0.1 });
  made.model.receive({
    scores: { planes: 3, scores: [told] },
    score_data: new DataView(Float32Array.from(planes.flat()).buffer),
  });
});
afterEach(() => {
  render(null, root);
  abort.abort();
});

const part = (name: string) => root.querySelector(`[data-cw=${name}]`) as HTMLElement;
const names = () => [...root.querySelectorAll(".of-head")].map((at) => at.textContent);

it("the ranking is turned round: a missing score is in neither", async () => {
  await act(() => render(<Ranking session={session} />, root));
  expect(root.querySelector("h3")?.textContent).toContain("Highest by x");
  expect([names().length, names()[0]]).toEqual([11, "2.3"]);
  await act(() => part("ranking-order").click());
  expect(root.querySelector("h3")?.textContent).toContain("Lowest by x");
  expect([names().length, names()[0]]).toEqual([11, "0.0"]);
  expect(session.params.choice("ranking").value).toBe("lowest");
  await act(() => part("ranking-order").click());
  expect(names()[0]).toBe("2.3");
});

it("a head of a pruned model says which one of the whole model it was", async () => {
  const text = session.text.peek();
  await act(() => render(<HeadCard session={session} />, root));
  expect(part("head-before")).toBeNull();
  render(null, root);
  abort.abort();
  const kept = [[1, 3], [0], [0]];
  const made = openSession({ ...text, kept });
  ({ session, abort } = made);
  session.select({ layer: 0, head: 1 });
  await act(() => render(<HeadCard session={session} />, root));
  expect(part("head-name").textContent).toBe("0.1");
  expect(part("head-before").textContent).toContain("0.3 of the whole model");
});

it("an interval is of the confidence that was asked for", async () => {
  await act(() => render(<HeadCard session={session} />, root));
  expect(part("score-x").title).toContain("90 % interval 0.29 to 0.31;");
  await act(() => render(<Ranking session={session} />, root));
  expect(root.querySelector(".estimate")?.getAttribute("title")).toContain("(90 % interval");
});
