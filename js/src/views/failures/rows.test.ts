import { expect, test } from "vitest";
import { fakeTopic } from "../../test/fake-blocks";
import { fakeFailures } from "../../test/fake-failures";
import {
  type FailureRows,
  headOf,
  layersOf,
  partAt,
  partSaid,
  passing,
  readFailures,
  zOf,
} from "./rows";
import { headingOf, tailOf } from "./words";

const rows = readFailures(fakeFailures()) as FailureRows;

test("reads cases, parts, fixes and texts", () => {
  expect(rows.cases.n).toBe(3);
  expect(rows.cases.type).toEqual(["attention_collapse", "overactivation", "unknown"]);
  expect(rows.cases.score[2]).toBeNaN();
  expect(rows.texts.get(1)).toEqual(["c", "a", "c"]);
  expect(rows.tried[0]).toMatchObject({ part: "1.1", back: 0.875, control: 0.125, byHand: true });
  expect(rows.transfers[0]).toMatchObject({ low: 0.25, interval: "95 % interval" });
  expect(headingOf(rows)).toBe(
    "3 failing cases, compared with 12 prompts that the model gets right",
  );
  expect(headingOf({ ...rows, compared: "model", reference: "toy" })).toContain("prompts in toy");
  expect(readFailures(fakeTopic("failures", {}))).toBeNull();
});

test("filters by type, by the layer of any part that is out of line, and by score", () => {
  const all = { type: "", layer: "", least: 0 };
  expect(passing(rows, all)).toEqual([0, 1, 2]);
  expect(passing(rows, { ...all, type: "unknown" })).toEqual([2]);
  expect(passing(rows, { ...all, layer: "1" })).toEqual([0, 1]);
  expect(passing(rows, { ...all, layer: "0" })).toEqual([1]);
  // A score that is missing is not above any.
  expect(passing(rows, { ...all, least: 0.7 })).toEqual([0]);
  expect(layersOf(rows)).toEqual(["0", "1"]);
});

test("the MLP of a layer comes after its heads, and what is in line is faint", () => {
  expect([partAt(1, 1, 2), partAt(0, 2, 2)]).toEqual(["1.1", "0.mlp"]);
  expect([partSaid("1.1"), partSaid("0.mlp"), partSaid("")]).toEqual(["1.1", "MLP 0", "–"]);
  expect(headOf("0.mlp")).toBeNull();
  const { cols, values, faint } = zOf(rows, 1, 2);
  expect(cols).toBe(3);
  expect([...values]).toEqual([0, 1, 6, 5, 0, 1]);
  expect([...faint]).toEqual([1, 1, 0, 0, 1, 1]);
});

test("a model without MLPs has no column for them", () => {
  expect(rows.mlps).toBe(true);
  const { rows: layers, cols, values } = zOf({ ...rows, mlps: false }, 0, 2);
  expect([layers, cols, [...values]]).toEqual([2, 2, [0, 1, 2, 9]]);
});

test("of a long prompt the end is shown", () => {
  expect(tailOf("a  b\nc", 9)).toBe("a b c");
  expect(tailOf("one two three", 8)).toBe("…o three");
});
