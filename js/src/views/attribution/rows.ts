// What the view of attribution shows, as typed columns: read from the topic's message.
import type { HeadAt } from "../../model/address";
import type { Topic } from "../../wire/blocks";
import { type Fact, readFacts } from "../../wire/rows";

export interface AttributionRows {
  /** What the numbers of the parts are, in words. */
  heading: string;
  nPrompts: number;
  /** Why heads are missing; "" where none are. */
  missing: string;
  facts: Fact[];
  /** The largest number first. */
  parts: {
    name: readonly string[];
    kind: readonly string[];
    head: readonly (HeadAt | null)[];
    label: string;
    about: string;
    share: Float32Array;
    low: Float32Array;
    high: Float32Array;
    /** What low and high are. */
    interval: string;
    nullLow: Float32Array;
    nullHigh: Float32Array;
    /** What stands between the ends of the null. */
    nullLabel: string;
    nullAbout: string;
    /** Between what a number does not stand out. */
    extremeLow: Float32Array;
    extremeHigh: Float32Array;
    standsOut: Uint8Array;
    /** What it takes to stand out. */
    outside: string;
  };
}

export function readAttribution(topic: Topic): AttributionRows {
  const table = topic.table("parts");
  const numbers = (name: string) => table?.numbers(name) ?? new Float32Array();
  const share = table?.column("share");
  const ends = table?.of("share", "null_low");
  return {
    heading: topic.text("heading"),
    nPrompts: topic.number("n_prompts") || 1,
    missing: topic.text("missing"),
    facts: readFacts(topic),
    parts: {
      name: table?.texts("name") ?? [],
      kind: table?.texts("kind") ?? [],
      head: table?.heads("head") ?? [],
      label: share?.label ?? "",
      about: share?.about ?? "",
      share: numbers("share"),
      low: numbers("share_low"),
      high: numbers("share_high"),
      interval: table?.of("share", "low")?.about ?? "",
      nullLow: numbers("null_low"),
      nullHigh: numbers("null_high"),
      nullLabel: ends?.label ?? "",
      nullAbout: ends?.about ?? "",
      extremeLow: numbers("extreme_low"),
      extremeHigh: numbers("extreme_high"),
      standsOut: table?.flags("stands_out") ?? new Uint8Array(),
      outside: table?.column("stands_out")?.about ?? "",
    },
  };
}
