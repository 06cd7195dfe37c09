import { computed, signal } from "@preact/signals";
import { expect, it } from "vitest";
import { adjusting } from "../views/adjusting";
import { type Control, Params, type ParamValues } from "./params";

const LEAST: Control = {
  ...{ name: "flow.least", label: "Hide below", about: "", kind: "number", value: 0.1 },
  ...{ least: 0, most: 1, step: 0.1, unit: "", choices: [], locked: false },
};

function open(control: Control) {
  const values = signal<ParamValues>({ "flow.least": 0.4 });
  const put = (next: ParamValues) => {
    values.value = next;
  };
  return new Params({ values, controls: computed(() => [control]), put });
}

it("takes a number inside its range", () => {
  const params = open(LEAST);
  params.set("flow.least", 7);
  expect(params.number("flow.least").value).toBe(1);
  params.reset("flow.");
  expect(params.number("flow.least").value).toBe(0.1);
});

it("leaves what the author of a page has locked as it was set", () => {
  const params = open({ ...LEAST, locked: true });
  params.set("flow.least", 0.9);
  params.reset("flow.");
  expect(params.number("flow.least").value).toBe(0.4);
  const first = { label: "", least: 0, most: 1, step: 0.1, value: 0 };
  expect(adjusting({ params } as never, "flow.least", first).locked).toBe(true);
});
