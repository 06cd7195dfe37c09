// The heads of one class.

import { useMemo } from "preact/hooks";
import { inSentence } from "../../draw/label";
import { fixed } from "../../draw/number";
import type { Picture } from "../../draw/picture";
import { type HeadAt, nameOf } from "../../model/address";
import type { Plane } from "../../model/planes";
import type { Session } from "../../model/session";
import { sortedRows } from "../../parts/sort";
import { Thumbnails } from "../../parts/Thumbnails";

const MOST_NAMED = 8;

interface Props {
  session: Session;
  kind: { name: string; label: string; description: string; function: string };
  /** Heads that bear its name: layer * heads + head. */
  heads: readonly number[];
  /** Heads that an earlier class has named, although this one holds for them too. */
  also: readonly number[];
  /** What the heads are sorted by. */
  by: Plane | null;
  own: Plane | undefined;
  /** What a head's interval has to be above: "" for what is no class. */
  above: string;
  pictures: readonly (Picture | null)[];
}

export function Group({ session, kind, heads, also, by, own, above, pictures }: Props) {
  const { n_heads } = session.text.value;
  const headOf = (index: number): HeadAt => [Math.floor(index / n_heads), index % n_heads];
  const order = useOrder(heads, by);
  const shown = useMemo(
    () => ({
      names: order.map((index) => nameOf(headOf(index))),
      pictures: order.map((index) => pictures[index] ?? null),
    }),
    [order, pictures, n_heads],
  );
  const [layer, head] = session.head.value;
  const selected = order.indexOf(layer * n_heads + head);
  return (
    <div class="kind" data-cw={`kind-${kind.name}`}>
      <h3>
        {kind.label}: <b data-cw="count">{heads.length}</b> {heads.length === 1 ? "head" : "heads"}{" "}
        <span class="quiet">
          {kind.description} {kind.function && <code>{kind.function}</code>}
        </span>
      </h3>
      {above && (
        <p class="quiet" data-cw="above">
          {above}
        </p>
      )}
      {also.length > 0 && (
        <p class="quiet" data-cw="also">
          Holds too for{" "}
          {also
            .slice(0, MOST_NAMED)
            .map((index) => nameOf(headOf(index)))
            .join(", ")}
          {also.length > MOST_NAMED ? ` and ${also.length - MOST_NAMED} more` : ""}, which an
          earlier class names.
        </p>
      )}
      {order.length > 0 && (
        <Thumbnails
          name={`gallery-${kind.name}`}
          label={`${kind.label}, small pictures. The grid has the same heads for the keyboard.`}
          theme={session.theme}
          {...shown}
          selected={selected < 0 ? null : selected}
          choose={(at) => {
            const [layer, head] = headOf(order[at] ?? 0);
            session.select({ layer, head }, "gallery");
          }}
          said={(at) => said(order[at] ?? 0, shown.names[at] ?? "", [own, by])}
        />
      )}
    </div>
  );
}

/** The highest first; the same array as long as it says the same. */
function useOrder(heads: readonly number[], by: Plane | null): readonly number[] {
  const values = heads.map((index) => by?.value[index] ?? Number.NaN);
  const order = sortedRows(values, heads.length, true).map((row) => heads[row] as number);
  return useMemo(() => order, [order.join()]);
}

function said(index: number, name: string, planes: readonly (Plane | null | undefined)[]): string {
  const parts = [...new Set(planes)].flatMap((plane) =>
    plane ? [`${inSentence(plane.about.label)} ${fixed(plane.value[index])}`] : [],
  );
  return `${name}  ${parts.join(", ")}`;
}
