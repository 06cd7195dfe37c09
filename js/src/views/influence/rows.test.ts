import { expect, it } from "vitest";
import type { InfluenceTopic } from "../../contract.gen";
import { readInfluence } from "./rows";

const topic: InfluenceTopic = {
  kind: "influence",
  position: 1,
  target: "dog",
  n_prompt: 2,
  measures: [
    {
      name: "logp",
      label: "",
      about: "",
      unit: "nats",
      value: [0.5, null],
      low: [0, null],
      high: [1, null],
    },
  ],
  outputs: [],
  pairs: true,
  screen: null,
};

it("keeps what is missing missing", () => {
  const rows = readInfluence(topic, new DataView(new ArrayBuffer(16)), 2);
  expect([...(rows.effects[0]?.value ?? [])]).toEqual([0.5, Number.NaN]);
  expect(rows.pairs).toHaveLength(4);
  expect(readInfluence(topic, new DataView(new ArrayBuffer(0)), 2).pairs).toBeNull();
});
