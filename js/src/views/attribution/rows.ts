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
    },
  };
}

/** Whether a number is outside of its null; and where it has an interval, not 0 by that. */
export function isOutside({ parts }: AttributionRows, row: number): boolean {
  const at = (values: Float32Array) => values[row] ?? Number.NaN;
  const [share, low, high] = [at(parts.share), at(parts.low), at(parts.high)];
  const mayBeNothing = low <= 0 && high >= 0;
  return !mayBeNothing && (share < at(parts.nullLow) || share > at(parts.nullHigh));
}
