import { expect, test } from "vitest";
import { percent } from "../../draw/number";
import { fakeTable, fakeTopic } from "../../test/fake-blocks";
import { headingOf, readPatching, surenessOf } from "./rows";

const parts = fakeTable("parts", {
  name: { texts: ["0.1", "1.2"] },
  head: {
    heads: [
      [0, 1],
      [1, 2],
    ],
  },
  layer: { ints: [0, 1] },
  column: { ints: [1, 2] },
  effect: { numbers: [5.5, 4.5], about: "What the log-probability loses" },
  effect_low: { numbers: [5, 4], role: "low", of: "effect", about: "95 % interval over prompts" },
  effect_high: { numbers: [6, 5], role: "high", of: "effect" },
  share: { numbers: [1, null] },
  share_low: { numbers: [0.9, null], role: "low", of: "share" },
  share_high: { numbers: [1.1, null], role: "high", of: "share" },
  q: { numbers: [0.01, null], role: "q", of: "effect" },
});
const told = {
  task: "repeated_tokens",
  what: "z of each head",
  direction: "noising",
  n_prompts: 8,
  n_all: 8,
  fdr: 0.05,
};

test("reads each effect with its interval, its share and its q", () => {
  const rows = readPatching(fakeTopic("patching", told, parts));
  expect(rows.name).toEqual(["0.1", "1.2"]);
  expect([rows.effect?.low?.[1], rows.effect?.high?.[1]]).toEqual([4, 5]);
  expect(rows.effect?.interval).toBe("95 % interval over prompts");
  expect(rows.share?.value[1]).toBeNaN();
  expect(rows.places).toBeNull();
  expect(headingOf(rows)).toBe(
    "repeated_tokens: z of each head, patched from the corrupt prompt into the clean one (mean of 8 prompts)",
  );
});

test("says how sure an effect is, and what was not tested", () => {
  const rows = readPatching(fakeTopic("patching", told, parts));
  expect(surenessOf(rows.q[0], rows)).toBe("q 0.010, differs from 0");
  expect(surenessOf(0.3, rows)).toBe("q 0.300, not distinguishable from 0");
  expect(surenessOf(rows.q[1], rows)).toBe("not tested");
  expect(surenessOf(undefined, { ...rows, nPrompts: 2 })).toContain("fewer than 5 prompts");
  expect(percent(0.82)).toBe("82 %");
  expect(percent(Number.NaN)).toBe("–");
});
