// What the view of attention patterns shows, as rows: read from the topic's message.
import type { Tile } from "../../draw/tile";
import type { Topic } from "../../wire/blocks";
import { rows } from "../../wire/rows";
import { unpack } from "../../wire/tiles";

/** A class of attention patterns: a head is of it above the threshold and above its baselines. */
export interface PatternKind {
  name: string;
  label: string;
  description: string;
  function: string;
  score: string;
  threshold: number;
  /** What the highest of as many random heads as the model has would score; NaN: not known. */
  highest: number;
}

export interface PatternsTopic {
  kinds: PatternKind[];
  /** Texts behind the scores of shapes, and random sequences behind those of what repeats. */
  prompts: number;
  sequences: number;
  /** A small picture a head, layer by layer; null: not computed. */
  thumbnails: (Tile | null)[];
}

export function readPatterns(topic: Topic, nLayers: number, nHeads: number): PatternsTopic {
  const thumbnails = new Array<Tile | null>(nLayers * nHeads).fill(null);
  const small = topic.pictures("thumbnails");
  for (const part of small?.info.tiles ?? []) {
    const [layer, head] = part.head;
    if (small) thumbnails[layer * nHeads + head] = unpack(part, small.info.window, small.data);
  }
  return {
    kinds: rows(topic.table("classes"), (row) => ({
      name: row.text("name"),
      label: row.text("label"),
      description: row.text("description"),
      function: row.text("function"),
      score: row.text("score"),
      threshold: row.number("threshold"),
      highest: row.number("highest"),
    })),
    prompts: topic.number("prompts"),
    sequences: topic.number("sequences"),
    thumbnails,
  };
}
