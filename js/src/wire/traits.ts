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

const NAMES = [
  "runs",
  "version",
  "status",
  "scores",
  "score_data",
  "picture",
  "picture_data",
  "selected_head",
  "selected_cell",
  "selected_edge",
  "controls",
  "param_values",
  "frame",
  "topic",
  "topic_data",
] as const;

/**
 * One signal a trait, following the port until its end.
 *
 * Traits that arrive in one message change together: a picture is never read with another's data.
 * echoes: knows what the page has set; a late echo of it is not taken for news.
 */
export function follow(port: Port, echoes = new Echoes("")): Live {
  const live: Record<string, Signal<unknown>> = {};
  for (const name of NAMES) live[name] = signal<unknown>(port.get(name));
  // The model holds all of a message's values before it tells of the first.
  const changed = () =>
    batch(() => {
      for (const name of NAMES) {
        const [here, value] = [live[name] as Signal<unknown>, port.get(name)];
        if (here.peek() === value) continue;
        if (echoes.isLate(name, value)) port.set(name, here.peek() as never);
        else here.value = value;
      }
    });
  for (const name of NAMES) port.onChange(name, changed);
  return live as unknown as Live;
}

/** Bytes of a trait. A page without a kernel may have dropped them. */
export function view(data: DataView | null | undefined): DataView {
  return data instanceof DataView ? data : new DataView(new ArrayBuffer(0));
}
