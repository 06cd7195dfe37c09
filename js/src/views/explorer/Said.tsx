// One cell of the matrix in words, with the best value that the page has of it.
import { labelText } from "../../draw/label";
import { exact, fixed } from "../../draw/number";
import { stride, type Tile, valueAt } from "../../draw/tile";
import type { Session } from "../../model/session";

export function Said({ session, query, at }: { session: Session; query: number; at: number }) {
  const { tokens } = session.text.value;
  const name = (i: number) => (
    <>
      “<code>{labelText(tokens[i] ?? "", 24)}</code>” (position {i})
    </>
  );
  return (
    <span data-cw="readout">
      {name(query)} attends to {name(at)}: <b data-cw="exact">{shownValue(session, query, at)}</b>
    </span>
  );
}

function shownValue(session: Session, query: number, key: number): string {
  const tiles = session.tiles.value;
  tiles.arrived.value;
  const head = session.head.value;
  const known = tiles.row(head, query)?.[key] ?? tiles.column(head, key)?.[query];
  if (known !== undefined) return session.baked ? `about ${fixed(known)}` : exact(known);
  const tile: Tile | null = session.tile.value;
  const about = tile && valueAt(tile, query, key);
  if (about === null) return "";
  return stride(tile as Tile) > 1 ? `about ${fixed(about)}, pooled` : `about ${fixed(about)}`;
}
