// A widget's traits as signals: what the kernel says last, and what the user chooses.
import type { AnyModel } from "@anywidget/types";
import { batch, type Signal, signal } from "@preact/signals";
import type {
  BlockTopic,
  Control,
  Frame,
  ParamValues,
  Picture,
  Runs,
  ScoresInfo,
  SelectedCell,
  SelectedEdge,
  SelectedHead,
  Status,
} from "../contract.gen";
import type { Port } from "../hosts/port";
import { Echoes } from "./echoes";

export interface Traits {
  runs: Runs;
  /** Of what these traits say; a push that is older is not shown. */
  version: number;
  status: Status;
  scores: ScoresInfo;
  score_data: DataView;
  picture: Picture | Record<string, never>;
  picture_data: DataView;
  selected_head: SelectedHead;
  selected_cell: SelectedCell;
  selected_edge: SelectedEdge;
  controls: Control[];
  param_values: ParamValues;
  frame: Frame;
  topic: BlockTopic | Record<string, never>;
  /** Bytes by the name of the block. */
  topic_data: Record<string, DataView>;
}

export type Model = AnyModel<Traits>;
export type Live = { [K in keyof Traits]: Signal<Traits[K]> };

/** What a trait is where a host, or a notebook of an earlier version, has none. */
const FIRST: Traits = {
  runs: { current: 0, all: [] },
  version: 0,
  status: { state: "idle", message: "", done: 0, total: 0 },
  scores: { planes: 0, scores: [] },
  score_data: new DataView(new ArrayBuffer(0)),
  picture: {},
  picture_data: new DataView(new ArrayBuffer(0)),
  selected_head: { layer: 0, head: 0, source: "kernel", seq: 0 },
  selected_cell: { query: null, key: null, source: "kernel", seq: 0 },
  selected_edge: { sender: null, receiver: null, source: "kernel", seq: 0 },
  controls: [],
  param_values: { values: {}, source: "kernel", seq: 0 },
  frame: { height: null, hide: [], title: null, caption: null },
  topic: {},
  topic_data: {},
};

/**
 * One signal a trait, following the port until its end.
 *
 * Traits that arrive in one message change together: a picture is never read with another's data.
 * echoes: knows what the page has set; a late echo of it is not taken for news.
 */
export function follow(port: Port, echoes = new Echoes("")): Live {
  const live: Record<string, Signal<unknown>> = {};
  const names = Object.keys(FIRST) as (keyof Traits)[];
  const said = (name: keyof Traits): unknown => port.get(name) ?? FIRST[name];
  for (const name of names) live[name] = signal<unknown>(said(name));
  // The model holds all of a message's values before it tells of the first.
  const changed = () =>
    batch(() => {
      for (const name of names) {
        const [here, value] = [live[name] as Signal<unknown>, said(name)];
        if (here.peek() === value) continue;
        if (echoes.isLate(name, value)) port.set(name, here.peek() as never);
        else here.value = value;
      }
    });
  for (const name of names) port.onChange(name, changed);
  return live as unknown as Live;
}

/**
 * Bytes of a trait or a message: a DataView in JupyterLab, other views or an ArrayBuffer elsewhere (in
 * Colab those of a message are Uint8Array), base64 where a host has no bytes. One may have dropped them.
 */
export function view(data: unknown): DataView {
  if (data instanceof DataView) return data;
  if (ArrayBuffer.isView(data)) return new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof ArrayBuffer) return new DataView(data);
  if (typeof data !== "string") return new DataView(new ArrayBuffer(0));
  try {
    return new DataView(fromBase64(data).buffer);
  } catch {
    return new DataView(new ArrayBuffer(0));
  }
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text);
  const bytes = new Uint8Array(plain.length);
  for (let i = 0; i < plain.length; i++) bytes[i] = plain.charCodeAt(i);
  return bytes;
}
