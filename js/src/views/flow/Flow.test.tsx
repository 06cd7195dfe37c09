import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Session } from "../../model/session";
import { fakeBoxes } from "../../test/fake-box";
import { type FakeFlow, fakeFlow, step } from "../../test/fake-flow";
import { openSession } from "../../test/fake-session";
import { Flow } from "../flow";

const told: FakeFlow = {
  position: 3,
  edges: [step(1, 0, 3, 1), step(0, 0, 0, null)],
  paths: [
    [0.1, step(0, 1, 1, null), step(1, 1, 3, 0)],
    [0.4, step(0, 0, 0, null), step(1, 0, 3, 2)],
  ],
};

let root: HTMLElement;
let session: Session;
let abort: AbortController;
let contexts: ReturnType<typeof fakeBoxes>;
beforeEach(async () => {
  contexts = fakeBoxes(400, 300);
  ({ session, abort } = openSession({ live: false }));
  root = document.createElement("div");
  document.body.append(root);
  session.topic.value = fakeFlow(told);
  await act(() => render(<Flow session={session} />, root));
});
afterEach(() => {
  render(null, root);
  root.remove();
  abort.abort();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const part = (name: string) => root.querySelector(`[data-cw=${name}]`) as HTMLElement;
const lines = () =>
  contexts.get(part("routes") as HTMLCanvasElement)?.of("bezierCurveTo").length ?? 0;

it("draws what a new topic brings: a stream fills in", async () => {
  const before = lines();
  expect(before).toBe(2);
  const more = fakeFlow({ ...told, edges: [...told.edges, step(1, 2, 3, 0)] });
  await act(() => {
    session.topic.value = more;
  });
  expect(lines()).toBe(before + 3);
});

it("opens on the strongest path, and a path that is chosen selects its last head", async () => {
  const rows = () => [...part("paths").querySelectorAll<HTMLElement>("tbody tr")];
  expect(rows()[0]?.textContent).toMatch(/^0\.4/);
  expect(rows()[0]?.getAttribute("aria-selected")).toBe("true");
  await act(() => rows()[1]?.click());
  expect(session.head.value).toEqual([1, 0]);
  expect(rows()[1]?.getAttribute("aria-selected")).toBe("true");
  expect(session.params.number("flow.path").value).toBe(1);
});

it("hides steps below a threshold that has a name", async () => {
  const before = lines();
  await act(() => session.params.set("flow.least", 0.35));
  expect(lines()).toBe(before);
});
