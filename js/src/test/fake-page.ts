// For tests: what a page without a kernel carries, of a small model on a text of four tokens.
import type { BakedRun, PageView, Run } from "../contract.gen";
import type { Unpacked } from "../hosts/page/bytes";
import { asFloats, KERNEL, runsOf, score, tileOf } from "./fake-session";

/** The tiles of two of its heads, as bytes: 1.2 and 0.1. */
export function fakeTiles(): { baked: BakedRun; data: DataView<ArrayBuffer> } {
  const [, one] = tileOf([1, 2], 9);
  const [, two] = tileOf([0, 1], 5);
  const data = new Uint8Array([...one, ...two]);
  const tile = { rows: 4, cols: 4, scale: 0.4 };
  const tiles = [
    { ...tile, head: [1, 2] as [number, number], offset: 0, first: 16 },
    { ...tile, head: [0, 1] as [number, number], offset: 32, first: 48 },
  ];
  const window: [number, number, number, number] = [0, 4, 0, 4];
  const next = [
    {
      kind: "next" as const,
      position: 3,
      tokens: [{ token: "e", id: 4, probability: 0.5 }],
      actual: null,
    },
  ];
  const pictures = [
    {
      kind: "pictures" as const,
      name: "tiles.256",
      window,
      pooling: "max" as const,
      side: 256,
      tiles,
    },
  ];
  const baked = { run: 0, pictures, next, absent: "a page of 1 kB has no room for it" };
  return { baked, data: new DataView(data.buffer) };
}

export function fakeView(run: Partial<Run> = {}, links = { heads: "toy", cells: "" }): Unpacked {
  const planes = asFloats(...Array.from({ length: 12 }, (_, i) => i / 12));
  const view: PageView = {
    bundle: "explorer",
    traits: {
      runs: runsOf(run),
      status: { state: "idle", message: "", done: 0, total: 0 },
      scores: { planes: 1, scores: [score("x")] },
      score_data: { offset: 0, length: planes.byteLength },
      picture: null,
      picture_data: { offset: 0, length: 0 },
      selected_head: { layer: 1, head: 2, ...KERNEL },
      selected_cell: { query: 3, key: null, ...KERNEL },
      selected_edge: { sender: null, receiver: null, ...KERNEL },
      controls: [],
      param_values: { values: { score: "x", pooling: "max", first: "dim" }, ...KERNEL },
      frame: { height: null, hide: [], title: null, caption: null },
      topic: null,
      topic_data: {},
    },
    baked: [fakeTiles().baked],
    others: [],
    ...links,
  };
  const part = ({ offset, length }: { offset: number; length: number }) =>
    new DataView(planes.buffer as ArrayBuffer, planes.byteOffset + offset, length);
  return { view, part };
}
