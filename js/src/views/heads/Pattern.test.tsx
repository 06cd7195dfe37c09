import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { fakeBoxes } from "../../test/fake-box";
import { openSession } from "../../test/fake-session";
import { Pattern } from "./Pattern";

const root = document.createElement("div");
beforeEach(() => {
  fakeBoxes(200, 200);
});
afterEach(() => {
  render(null, root);
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

it("two of one title ask by themselves: neither takes back what the other wished for", async () => {
  const { session, abort } = openSession();
  const slots = vi.spyOn(session, "slot");
  const wanted = vi.spyOn(session.tiles.value, "want");
  await act(() =>
    render(
      <>
        <Pattern session={session} head={[0, 1]} title="attention" stripe={null} />
        <Pattern session={session} head={[1, 2]} title="attention" stripe={null} />
      </>,
      root,
    ),
  );
  expect(new Set(slots.mock.results.map(({ value }) => value)).size).toBe(2);
  const asked = wanted.mock.calls.map(([heads, , , , , slot]) => [heads[0], slot]);
  const [one, other] = [asked.find(([head]) => `${head}` === "0,1"), asked.at(-1)];
  expect(one?.[1]).not.toBe(other?.[1]);
  abort.abort();
});
