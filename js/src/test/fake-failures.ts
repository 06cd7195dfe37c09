// For tests: what Python says of failing cases, from plain lists. Two layers of two heads.
import type { Block, MatrixInfo } from "../wire/block-types";
import { readTopic, type Topic } from "../wire/blocks";
import { fakeTable } from "./fake-blocks";

interface Packed {
  info: Block;
  data: DataView;
}

/** Three cases: a collapsed head, an MLP that writes too much, and one that nothing explains. */
export function fakeFailures({ missing = "", pictures = false } = {}): Topic {
  const blocks: Packed[] = [
    fakeTable("cases", {
      prompt: { texts: ["a b a", "a long prompt that ends with b c b", "c a c"] },
      expected: { texts: ["b", "c", "a"] },
      predicted: { texts: ["a", "b", "c"] },
      p_expected: { numbers: [0.25, 0.125, 0.5] },
      p_predicted: { numbers: [0.5, 0.75, 0.5] },
      p_healthy: { numbers: [0.75, null, null] },
      type: { texts: ["attention_collapse", "overactivation", "unknown"] },
      score: { numbers: [0.875, 0.625, null] },
      second: { texts: ["overactivation", "", ""] },
      margin: { numbers: [0.25, null, null] },
      part: { texts: ["1.1", "0.mlp", ""] },
      diagnosis: { texts: ["Head 1.1 collapsed.", "MLP 0 writes too much.", "Nothing is known."] },
      added: { flags: [false, false, true] },
    }),
    fakeTable("kinds", {
      name: { texts: ["attention_collapse", "overactivation", "unknown"] },
      label: { texts: ["attention collapse", "overactivation", "unknown"] },
      about: { texts: ["one token", "writes too much", "none holds"] },
      heads_only: { flags: [false, false, false] },
    }),
    fakeTable("interventions", {
      name: { texts: ["patch", "redirect"] },
      label: { texts: ["patch", "redirect"] },
      about: { texts: ["write as in the reference", "attend as in the reference"] },
      heads_only: { flags: [false, true] },
    }),
    fakeTable("parts", {
      case: { ints: [0, 1, 1] },
      name: { texts: ["1.1", "0.mlp", "1.0"] },
      type: { texts: ["attention_collapse", "overactivation", "unknown"] },
      z: { numbers: [9, 6, 5] },
      q: { numbers: [0.001, 0.01, 0.04] },
      said: { texts: ["entropy 0.98, usually 0.21", "", ""] },
    }),
    fakeTable("tried", {
      case: { ints: [0] },
      part: { texts: ["1.1"] },
      fix: { texts: ["patch"] },
      back: { numbers: [0.875] },
      control: { numbers: [0.125] },
      control_about: { texts: ["the most of the same in 1.0"] },
      p_expected: { numbers: [0.75] },
      predicted: { texts: ["b"] },
      p_predicted: { numbers: [0.75] },
      helped: { flags: [true] },
      by_hand: { flags: [true] },
    }),
    fakeTable("transfers", {
      part: { texts: ["1.1"] },
      fix: { texts: ["patch"] },
      back: { numbers: [0.5] },
      back_low: { numbers: [0.25], role: "low", of: "back", about: "95 % interval" },
      back_high: { numbers: [0.75], role: "high", of: "back", about: "95 % interval" },
      control: { numbers: [0.05] },
      said: { texts: ["1 of 2 other cases are right with it"] },
    }),
    fakeTable("texts", {
      run: { ints: [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3] },
      token: { texts: [..."abacacbcbaba"] },
    }),
    matrix("scores", 3, 2, [0.875, 0.625, 0.1, 0.625, 0, 0], ["attention_collapse"]),
    matrix("z", 3, 6, [...Z[0], ...Z[1], ...Z[2]], PARTS),
    ...(pictures ? [picture(0), picture(1)] : []),
  ];
  const scalars = { compared: "prompts", reference: "", n_healthy: 12, threshold: 0.05, missing };
  const infos = blocks.map(({ info }) => info);
  const buffers = Object.fromEntries(blocks.map(({ info, data }) => [info.name, data]));
  return readTopic({ kind: "failures", scalars, blocks: infos }, buffers);
}

const PARTS = ["0.0", "0.1", "0.mlp", "1.0", "1.1", "1.mlp"];

/** Of each case: heads and MLP of layer 0, then of layer 1. */
const Z = [
  [0, 1, 0.5, 2, 9, 1],
  [0, 1, 6, 5, 0, 1],
  [1, 1, 1, 1, 1, 1],
] as const;

function matrix(
  name: string,
  rows: number,
  cols: number,
  values: readonly number[],
  texts: string[],
): Packed {
  const axis = (n: number, texts: string[]) => ({
    ...{ label: "", ticks: "texts" as const, heads: null, n },
    texts: Array.from({ length: n }, (_, i) => texts[i] ?? "overactivation"),
  });
  const info: MatrixInfo & { kind: "matrix" } = {
    ...{ kind: "matrix", name, title: "", about: "", unit: "", offset: 0 },
    ...{ signed: false, least: 0, most: 1, rows: axis(rows, []), cols: axis(cols, texts) },
  };
  return { info, data: new DataView(Float32Array.from(values).buffer) };
}

/** Head 1.1 on a text of three tokens. */
function picture(run: number): Packed {
  const data = new Uint8Array(12 + 12);
  data.set([0, 0, 0, 0, 255, 0, 0, 0, 255]);
  const tile = { head: [1, 1] as [number, number], rows: 3, cols: 3, scale: 0.5, offset: 0 };
  return {
    info: {
      ...{ kind: "pictures", name: `pictures.${run}`, pooling: "max", side: 3 },
      ...{ window: [0, 3, 0, 3], tiles: [{ ...tile, first: 12 }] },
    },
    data: new DataView(data.buffer),
  };
}
