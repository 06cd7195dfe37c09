// For tests: one output of a widget of a small model on a text of four tokens.
import type { Control, Run, Runs, Score } from "../contract.gen";
import type { Session } from "../model/session";
import { FakeModel } from "./fake-model";

export const TEXT: Run = {
  id: 0,
  model: "toy",
  n_layers: 3,
  n_heads: 4,
  tokens: ["a", "b", "c", "d"],
  prompt: "a b c d",
  interventions: [],
  has_bos: false,
  seconds: 0.1,
  live: true,
  label: "",
  kept: [],
};
/** What the kernel sets. */
export const KERNEL = { source: "kernel", seq: 0 };

/** The runs of a widget that shows one. */
export function runsOf(run: Partial<Run>): Runs {
  const shown = { ...TEXT, ...run };
  return { current: shown.id, all: [shown] };
}

/** A choice of any value where only the first is given. */
function choice(name: string, value: string, ...others: string[]): Control {
  const all = others.length === 0 ? [] : [value, ...others];
  return {
    ...{ name, label: name, about: "", kind: "choice", value, unit: "" },
    ...{ least: null, most: null, step: null, locked: false },
    choices: all.map((value) => ({ value, label: value, about: "" })),
  };
}

const empty = () => new DataView(new ArrayBuffer(0));

export function openSession(text: Partial<Run> = {}): {
  model: FakeModel;
  abort: AbortController;
  session: Session;
} {
  const model = new FakeModel({
    runs: runsOf(text),
    version: 0,
    status: { state: "idle", message: "", done: 0, total: 0 },
    scores: { planes: 0, scores: [] },
    score_data: empty(),
    picture: {},
    picture_data: empty(),
    selected_head: { layer: 1, head: 2, ...KERNEL },
    selected_cell: { query: null, key: null, ...KERNEL },
    selected_edge: { sender: null, receiver: null, ...KERNEL },
    controls: [
      choice("score", "x"),
      choice("first", "dim", "show", "hide"),
      choice("scale", "head", "shared"),
      choice("pooling", "max", "mean"),
      choice("direction", "from", "to"),
    ],
    param_values: { values: {}, ...KERNEL },
    frame: { height: null, hide: [], title: null, caption: null },
    topic: {},
    topic_data: {},
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
  const none = { control: null, low: null, high: null, interval: "95 % interval", bar: null };
  return { name, ...about, least: 0, most: 1, value: 0, ...none, ...planes };
}
