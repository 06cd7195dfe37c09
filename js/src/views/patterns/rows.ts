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
  /** A small picture a head on the first prompt, layer by layer; null: not computed. */
  thumbnails: (Tile | null)[] | null;
  /** The same on the first random sequence, of which the scores of what repeats are; null: none. */
  repeats: (Tile | null)[] | null;
}

export function readPatterns(topic: Topic, nLayers: number, nHeads: number): PatternsTopic {
  const pictures = (name: string): (Tile | null)[] | null => {
    const small = topic.pictures(name);
    if (!small?.info.tiles.length) return null;
    const all = new Array<Tile | null>(nLayers * nHeads).fill(null);
    for (const part of small.info.tiles) {
      const [layer, head] = part.head;
      all[layer * nHeads + head] = unpack(part, small.info.window, small.data);
    }
    return all;
  };
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
    thumbnails: pictures("thumbnails"),
    repeats: pictures("repeats"),
  };
}
