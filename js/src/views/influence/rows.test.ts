import { expect, it } from "vitest";
import { fakeTable, fakeTopic } from "../../test/fake-blocks";
import { predicted } from "../predicted";
import { isKnown } from "./look";
import { type Effect, readInfluence } from "./rows";

const missing = Float32Array.of(Number.NaN);

const measures = fakeTable("measures", {
  logp: { numbers: [0.5, null], unit: "nats" },
  logp_low: { numbers: [0, null], role: "low", of: "logp" },
  logp_high: { numbers: [1, null], role: "high", of: "logp" },
});
const rows = readInfluence(
  fakeTopic(
    "influence",
    {
      position: 1,
      target: "dog",
      n_prompt: 2,
      enumerated: true,
      replaced_by: "all other tokens of the text (3 at each position)",
    },
    measures,
  ),
);

it("keeps what is missing missing", () => {
  expect(rows.effects.map(({ name, unit, signed }) => [name, unit, signed])).toEqual([
    ["logp", "nats", true],
  ]);
  expect([...(rows.effects[0]?.value ?? [])]).toEqual([0.5, Number.NaN]);
  expect([...(rows.effects[0]?.high ?? [])]).toEqual([1, Number.NaN]);
  expect(rows.pairs).toBeNull();
  expect(rows.replacedBy).toBe("all other tokens of the text (3 at each position)");
  expect(rows.enumerated).toBe(true);
});

it("has nothing written where the model wrote nothing", () => {
  expect(rows.written.position).toHaveLength(0);
});

it("holds an effect against random changes where these were measured, else against 0", () => {
  const one = (numbers: Partial<Effect>): Effect => ({
    ...{ name: "kl", label: "", about: "", unit: "nats", signed: false, interval: "interval" },
    ...{ low: missing, high: missing, null: missing, nullHigh: missing },
    value: Float32Array.of(0.5),
    ...numbers,
  });
  expect(isKnown(one({ nullHigh: Float32Array.of(0.4) }), 0)).toBe(true);
  expect(isKnown(one({ nullHigh: Float32Array.of(0.6) }), 0)).toBe(false);
  const drawn = { low: Float32Array.of(0.3), high: Float32Array.of(0.7) };
  expect(isKnown(one({ ...drawn, nullHigh: Float32Array.of(0.4) }), 0)).toBe(false);
  const around = { low: Float32Array.of(-0.1), high: Float32Array.of(1.1) };
  expect(isKnown(one({ ...around, signed: true }), 0)).toBe(false);
  expect(isKnown(one({ signed: true }), 0)).toBe(true);
  // Of several prompts no interval means that one of them alone has a token there.
  expect(isKnown(one({ signed: true }), 0, true)).toBe(false);
});

it("has each of several prompts in common columns", () => {
  const topic = fakeTopic(
    "influence",
    { position: 1, target: "", n_prompt: 2, n_prompts: 2, by_distance: true },
    fakeTable("measures", {
      n: { ints: [1, 2] },
      others: { texts: ["", "“a” 1, “b” 1"] },
      logp: { numbers: [0.5, 1], unit: "nats" },
    }),
    fakeTable("prompts", { text: { texts: ["x a", "b"] }, target: { texts: ["“c”", "“d”"] } }),
    fakeTable("tokens", { token: { texts: ["x", "a", "", "b"] } }),
  );
  const several = readInfluence(topic);
  expect(several.several?.token(1, 1)).toBe("b");
  expect(several.several?.token(1, 0)).toBe("");
  expect([...(several.several?.n ?? [])]).toEqual([1, 2]);
  expect(several.several?.values("kl")).toBeNull();
  expect(several.nPrompts).toBe(2);
  expect(predicted(several)).toBe("the targets of 2 prompts");
  expect(predicted({ ...several, target: " Mary", byDistance: false })).toBe(
    "“Mary” of 2 prompts (predicted after position 1)",
  );
});
