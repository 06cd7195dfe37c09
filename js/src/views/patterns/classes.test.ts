import { describe, expect, it } from "vitest";
import cases from "../../../../tests/golden/classes.json";
import type { Plane } from "../../model/planes";
import { type Kind, labelled } from "./classes";

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
