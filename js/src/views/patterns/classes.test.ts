import { describe, expect, it } from "vitest";
import cases from "../../../../tests/golden/classes.json";
import type { Plane } from "../../model/planes";
import { aboveWhat, type Kind, labelled, picturesOf } from "./classes";

type Values = (number | null)[] | null;

interface Case {
  says: string;
  kinds: { name: string; score: string; threshold: number; null: string }[];
  scores: Record<
    string,
    Record<"value" | "low" | "control" | "control_high", Values> & {
      chance: number | null;
    }
  >;
  thresholds: Record<string, number>;
  nulls: Record<string, number>;
  labels: string[];
}

const plane = (values: Values): Float32Array | null =>
  values && Float32Array.from(values, (value) => value ?? Number.NaN);

/** The scores as Python sends them: a control only where it is the baseline. */
function planes({ scores, kinds }: Case): Plane[] {
  return Object.entries(scores).map(([name, { value, low, control, control_high, chance }]) => {
    const controlled = kinds.some((kind) => kind.score === name && kind.null === "control");
    return {
      about: { name, chance } as Plane["about"],
      value: plane(value) as Float32Array,
      low: plane(low),
      high: null,
      control: controlled ? plane(control) : null,
      bar: controlled ? plane(control_high) : null,
    };
  });
}

describe("the class of a head", () => {
  it.each(cases as unknown as Case[])("$says", (given) => {
    const kinds = given.kinds.map((kind) => ({
      ...(kind as unknown as Kind),
      highest: given.nulls[kind.name] ?? Number.NaN,
    }));
    expect(labelled(kinds, planes(given), given.thresholds, given.labels.length)).toEqual(
      given.labels,
    );
  });
});

describe("what a class is held to", () => {
  const kind = { name: "a", threshold: 0.4, highest: 0.123 } as Kind;
  const own = { about: { interval: "95 % interval" }, control: null } as unknown as Plane;
  const counts = { prompts: 1, sequences: 8 };

  it("says the threshold as it is moved, the null and the number of samples", () => {
    expect(aboveWhat(kind, own, { a: 0.5 }, counts)).toBe(
      "95 % interval above 0.50 and the highest of as many random heads, 0.12; n = 1 prompt",
    );
    const probed = { ...own, control: new Float32Array(1) };
    expect(aboveWhat(kind, probed, {}, counts)).toBe(
      "95 % interval above 0.40, its control and the highest of as many random heads, 0.12; n = 8 random sequences, the first one shown",
    );
  });

  it("shows what its score is of, where there are pictures of that", () => {
    const probed = { ...own, control: new Float32Array(1) };
    expect(picturesOf(probed, "prompt", "repeats")).toBe("repeats");
    expect(picturesOf(probed, "prompt", null)).toBe("prompt");
    expect(picturesOf(own, "prompt", "repeats")).toBe("prompt");
    expect(picturesOf(undefined, "prompt", "repeats")).toBe("prompt");
  });

  it("says so where a class sets no head apart, or its null is not known", () => {
    expect(aboveWhat({ ...kind, highest: 1 }, own, {}, counts)).toContain("sets none apart");
    expect(aboveWhat({ ...kind, highest: Number.NaN }, own, {}, counts)).toContain("not computed");
  });
});
