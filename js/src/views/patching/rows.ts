// What the view of activation patching shows, as typed columns: read from the topic's message.
import { exact } from "../../draw/number";
import type { Estimates, Topic } from "../../wire/blocks";
import { type Fact, readFacts } from "../../wire/rows";

/** Layers by positions: what each is called, and what was found there. NaN: not measured. */
export interface Places {
  /** What the positions are called: "role", or "token". */
  kind: string;
  labels: readonly string[];
  clean: readonly string[];
  corrupt: readonly string[];
  layers: number;
  effect: Float32Array;
  share: Float32Array;
  q: Float32Array;
}

export interface PatchingRows {
  task: string;
  /** What is patched, and which prompt runs. */
  what: string;
  direction: string;
  /** The metric in words, and the unit of an effect. */
  measured: string;
  unit: string;
  nPrompts: number;
  /** Of how many the listed ones are the largest. */
  nAll: number;
  /** The q below which an effect differs from 0. */
  fdr: number;
  facts: Fact[];
  name: readonly string[];
  layer: Int32Array;
  column: Int32Array;
  effect: Estimates | null;
  share: Estimates | null;
  q: Float32Array;
  /** Null: what is patched are heads. */
  places: Places | null;
}

export function readPatching(topic: Topic): PatchingRows {
  const parts = topic.table("parts");
  return {
    task: topic.text("task"),
    what: topic.text("what"),
    direction: topic.text("direction"),
    measured: topic.text("measured"),
    unit: topic.text("unit"),
    nPrompts: topic.number("n_prompts") || 1,
    nAll: topic.number("n_all") || 0,
    fdr: topic.number("fdr") || 0,
    facts: readFacts(topic),
    name: parts?.texts("name") ?? [],
    layer: parts?.ints("layer") ?? new Int32Array(),
    column: parts?.ints("column") ?? new Int32Array(),
    effect: parts?.estimates("effect") ?? null,
    share: parts?.estimates("share") ?? null,
    q: parts?.numbers("q") ?? new Float32Array(),
    places: readPlaces(topic),
  };
}

function readPlaces(topic: Topic): Places | null {
  const table = topic.table("places");
  const [effect, share, q] = ["effect", "share", "q"].map((name) => topic.matrix(name));
  if (!table || !effect || !share || !q) return null;
  return {
    kind: table.column("label").label,
    labels: table.texts("label"),
    clean: table.texts("token"),
    corrupt: table.texts("corrupt"),
    layers: effect.info.rows.n,
    effect: effect.values,
    share: share.values,
    q: q.values,
  };
}

/** “ioi: z of each head, from the corrupt prompt into the clean one (mean of 16 prompts)” */
export function headingOf({ task, what, direction, nPrompts }: PatchingRows): string {
  const way =
    direction === "noising"
      ? "from the corrupt prompt into the clean one"
      : "from the clean prompt into the corrupt one";
  const of = nPrompts > 1 ? `mean of ${nPrompts} prompts` : "1 prompt";
  return `${task}: ${what}, patched ${way} (${of})`;
}

/** What stands behind an effect: whether it differs from 0. */
export function surenessOf(q: number | undefined, { fdr, nPrompts }: PatchingRows): string {
  if (q === undefined || Number.isNaN(q))
    return nPrompts < 5 ? "not tested: fewer than 5 prompts" : "not tested";
  return `q ${exact(q, 3)}, ${q < fdr ? "differs from 0" : "not distinguishable from 0"}`;
}
