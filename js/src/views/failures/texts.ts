// The two texts of a case: its own, and the one that its attention is shown beside.
import { useEffect, useRef } from "preact/hooks";
import type { Session } from "../../model/session";
import type { Topic } from "../../wire/blocks";
import { OVERVIEW_SIDE, Tiles } from "../../wire/tiles";
import type { Read } from "../heads/Pattern";
import type { Shown } from "./state";

const NO_TOKENS: readonly string[] = [];

/** Of the case on show: [its own, the usual one]. */
export function useTexts(session: Session, { rows, at, live }: Shown): [Read, Read] {
  const topic = session.topic.value;
  const known = useRef(new Map<string, Tiles>());
  const read = (run: number): Read => {
    const tokens = rows.texts.get(run) ?? NO_TOKENS;
    // While results come in, a text's number may come to mean another one.
    const name = `${run} ${tokens.join("\n")}`;
    const tiles = known.current.get(name) ?? new Tiles(session.client, run, tokens.length);
    known.current.set(name, tiles);
    return { tiles, tokens, live };
  };
  const [own, usual] = [read(2 * at), read(2 * at + 1)];
  useEffect(() => {
    // The kernel has all heads and finer ones: pictures are for when it is gone.
    if (live || !topic) return;
    for (const { tiles } of [own, usual]) keep(topic, tiles);
  }, [topic, live, own.tiles, usual.tiles]);
  return [own, usual];
}

function keep(topic: Topic, tiles: Tiles): void {
  const pictures = topic.pictures(`pictures.${tiles.run}`);
  if (pictures) tiles.keepAll({ ...pictures.info, side: OVERVIEW_SIDE }, pictures.data);
}
