import { describe, expect, it } from "vitest";
import { fakeTable, fakeTopic } from "../../test/fake-blocks";
import { readTopic } from "../../wire/blocks";
import { pairGraph } from "./graph";
import { highest, readInduction } from "./rows";

const pairs = fakeTable("pairs", {
  sender: {
    heads: [
      [0, 1],
      [0, 2],
      [1, 0],
    ],
  },
  receiver: {
    heads: [
      [2, 3],
      [2, 3],
      [3, 1],
    ],
  },
  path: { numbers: [0.2, 0.9, null] },
  path_share: { numbers: [0.25, 1, null] },
  k_percentile: { numbers: [40, 100, null] },
  k_z: { numbers: [1.5, 30, null] },
  q_z: { numbers: [0, 0, null] },
  v_z: { numbers: [0, 0, null] },
  confirmed: { flags: [false, true, false] },
  why_not: { texts: ["the interval is not above random heads", "", "the path has no interval"] },
});
const topic = readTopic(
  {
    kind: "induction",
    scalars: { length: 24, before: 1, least_share: 0.1 },
    blocks: [pairs.info],
  },
  { pairs: pairs.data },
);

describe("what induction's view is told", () => {
  const rows = readInduction(topic);

  it("has each pair with its share, its percentile and why it is not confirmed", () => {
    expect(rows.pairs?.edges[1]).toEqual({ sender: [0, 2], receiver: [2, 3] });
    expect([...(rows.pairs?.confirmed ?? [])]).toEqual([0, 1, 0]);
    expect(rows.pairs?.whyNot).toEqual([
      "the interval is not above random heads",
      "",
      "the path has no interval",
    ]);
    expect(rows.pairs?.leastShare).toBe(0.1);
    expect([...(rows.pairs?.kPercentile ?? [])]).toEqual([40, 100, Number.NaN]);
    expect(rows.pairs?.share[1]).toBe(1);
  });

  it("keeps what is not there missing, and is no trace without one", () => {
    expect(rows.pairs?.low[0]).toBeNaN();
    expect(rows.repeats.position).toHaveLength(0);
    expect(readInduction(readTopic({ kind: "induction", scalars: {}, blocks: [] }, {})).pairs).toBe(
      null,
    );
  });

  it("finds the highest path, past what is missing", () => {
    expect(highest(rows.pairs?.path ?? [])).toBe(1);
    expect(highest([Number.NaN])).toBe(-1);
  });

  it("draws each head once, by layer, and leads from a head to its first pair", () => {
    if (!rows.pairs) throw new Error("no pairs");
    const graph = pairGraph(rows.pairs);
    expect(graph.heads).toHaveLength(5);
    expect(graph.data.rows).toEqual(["0", "1", "2", "3"]);
    expect(graph.pairOf(graph.heads.findIndex(([layer]) => layer === 3))).toBe(2);
  });
});

it("has the means of several prompts, and each prompt's", () => {
  const estimate = (name: string, value: number[]) => ({
    [name]: { numbers: value },
    [`${name}_low`]: { numbers: value, role: "low", of: name, about: "95 % interval over prompts" },
    [`${name}_null`]: { numbers: value, role: "null", of: name },
  });
  const { means } = readInduction(
    fakeTopic(
      "induction",
      { n_prompts: 3 },
      fakeTable("means", { ...estimate("attention", [0.5]), ...estimate("added", [2]) } as never),
      fakeTable("first_means", estimate("first_hop", [0.75]) as never),
      fakeTable("prompts", {
        text: { texts: ["a b a", "c d c"] },
        n: { ints: [1, 1] },
        probability: { numbers: [0.5, 0.25] },
      }),
    ),
  );
  expect(means?.nPrompts).toBe(3);
  expect(means?.attention.interval).toBe("95 % interval over prompts");
  expect([...(means?.firstHop.value ?? [])]).toEqual([0.75]);
  expect([...(means?.n ?? [])]).toEqual([1, 1]);
  expect(means?.attentionOf(0)).toHaveLength(2);
});
