// For tests: one output of a widget of a small model on a text of four tokens.
import type { Score, Text } from "../contract.gen";
import type { Session } from "../model/session";
import { FakeModel } from "./fake-model";

export const TEXT: Text = {
  gen: 0,
  model: "toy",
  n_layers: 3,
  n_heads: 4,
  tokens: ["a", "b", "c", "d"],
  prompt: "a b c d",
  has_bos: false,
  seconds: 0.1,
  live: true,
};
const empty = () => new DataView(new ArrayBuffer(0));

export function openSession(text: Partial<Text> = {}): {
  model: FakeModel;
  abort: AbortController;
  session: Session;
} {
  const model = new FakeModel({
    text: { ...TEXT, ...text },
    status: { state: "idle", message: "", done: 0, total: 0 },
    scores: { planes: 0, scores: [] },
    score_data: empty(),
    picture: {},
    picture_data: empty(),
    selected_head: { layer: 1, head: 2 },
    selected_cell: { query: null, key: null },
    options: { score: "x", first: "dim", scale: "head", pooling: "max" },
  });
  const abort = new AbortController();
  return { model, abort, session: model.session(abort.signal) };
}

export const asFloats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);

/** What the kernel would say of a head: 4 x 4 cells of one byte, the first token's column apart. */
export function tileOf(head: [number, number], byte: number): [object, Uint8Array] {
  const data = new Uint8Array(32).fill(byte, 0, 16);
  data.set(asFloats(1, 0.5, 0.25, 0), 16);
  const part = { head, rows: 4, cols: 4, scale: 0.4, offset: 0, first: 16 };
  const window = [0, 4, 0, 4];
  return [{ kind: "tiles", window, pooling: "max", side: 256, tiles: [part] }, data];
}

export function score(name: string, planes: Partial<Score> = {}): Score {
  const about = { label: name, about: "", group: "g", source: "", chance: null };
  const none = { control: null, low: null, high: null, bar: null };
  return { name, ...about, least: 0, most: 1, value: 0, ...none, ...planes };
}
