import { expect, it } from "vitest";
import { fakeTable, fakeTopic } from "../../test/fake-blocks";
import { readInfluence } from "./rows";

const measures = fakeTable("measures", {
  logp: { numbers: [0.5, null], unit: "nats" },
  logp_low: { numbers: [0, null], role: "low", of: "logp" },
  logp_high: { numbers: [1, null], role: "high", of: "logp" },
});
const rows = readInfluence(
  fakeTopic("influence", { position: 1, target: "dog", n_prompt: 2 }, measures),
);

it("keeps what is missing missing", () => {
  expect(rows.effects.map(({ name, unit, signed }) => [name, unit, signed])).toEqual([
    ["logp", "nats", true],
  ]);
  expect([...(rows.effects[0]?.value ?? [])]).toEqual([0.5, Number.NaN]);
  expect([...(rows.effects[0]?.high ?? [])]).toEqual([1, Number.NaN]);
  expect(rows.pairs).toBeNull();
  expect(rows.screen).toBeNull();
});

it("has nothing written where the model wrote nothing", () => {
  expect(rows.written.position).toHaveLength(0);
});
