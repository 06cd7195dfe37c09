import { expect, test } from "vitest";
import { fakeTable, fakeTopic } from "../../test/fake-blocks";
import { readAttribution } from "./rows";

const OUTSIDE = "beyond the largest of 3 parts for 95 % of random tokens";

test("reads every part, between what it does not stand out, and which do", () => {
  const parts = fakeTable("parts", {
    name: { texts: ["1.2", "MLP 0", "0.1"] },
    kind: { texts: ["head", "mlp", "head"] },
    head: { heads: [[1, 2], null, [0, 1]] },
    share: { numbers: [2, -1.5, null], label: "share" },
    share_low: { numbers: [null, null, null], role: "low", of: "share" },
    share_high: { numbers: [null, null, null], role: "high", of: "share" },
    null_low: { numbers: [-1, -1, -1], label: "random tokens", role: "null_low", of: "share" },
    null_high: { numbers: [1, 1, 1], role: "null_high", of: "share" },
    extreme_low: { numbers: [-1.75, -1.75, null] },
    extreme_high: { numbers: [1.75, 1.75, null] },
    stands_out: { flags: [true, false, false], about: OUTSIDE },
  });
  const rows = readAttribution(fakeTopic("attribution", { heading: "Shares" }, parts));
  expect([...rows.parts.standsOut]).toEqual([1, 0, 0]);
  expect(rows.parts.outside).toBe(OUTSIDE);
  expect([rows.parts.extremeLow[1], rows.parts.extremeHigh[1]]).toEqual([-1.75, 1.75]);
  expect(rows.parts.nullLabel).toBe("random tokens");
  expect(rows.nPrompts).toBe(1);
});
