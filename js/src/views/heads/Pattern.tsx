// One head's attention on the view's text, or on another one, with a diagonal marked: where a kind of
// head looks.
import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useId } from "preact/hooks";
import { pack } from "../../draw/color";
import type { Stripe } from "../../draw/heat";
import { labelText } from "../../draw/label";
import { exact, fixed } from "../../draw/number";
import { pictureOfTile } from "../../draw/picture";
import { valueAt } from "../../draw/tile";
import type { Cell } from "../../draw/viewport";
import type { HeadAt } from "../../model/address";
import type { Session } from "../../model/session";
import { Heat } from "../../parts/Heat";
import { useLatest } from "../../parts/latest";
import { bring } from "../../styles";
import sheet from "../../styles/pattern.css";
import { OVERVIEW_SIDE, type Tiles } from "../../wire/tiles";

bring(sheet);

export type { Stripe };

/** A text that the kernel can be asked about while it is live. */
export interface Read {
  tiles: Tiles;
  tokens: readonly string[];
  live: boolean;
}

interface Props {
  session: Session;
  head: HeadAt;
  title: string;
  stripe: Stripe | null;
  /** As high as what is around it allows. */
  fill?: boolean;
  /** Another text than the view's. */
  of?: Read;
  /** Its data-cw, where two of a view are of one head. */
  name?: string;
  /** Why it has no picture, where that is not the view's own reason. */
  reason?: string;
}

export function Pattern({ session, head: [layer, index], title, stripe, fill, ...other }: Props) {
  // Two patterns of one view ask by themselves: a request of one does not replace the other's.
  const slot = session.slot(`pattern ${useId()}`);
  const own = { tiles: session.tiles.value, ...session.text.value };
  const { tiles, tokens, live } = other.of ?? own;
  const at = useLatest({ layer, index, tiles, live });
  const hover = useSignal<Cell | null>(null);
  const first = session.params.choice("first");
  const tile = useComputed(() => {
    const { tiles, layer, index } = at.value;
    tiles.arrived.value;
    return tiles.overview([layer, index], "max");
  });
  const picture = useComputed(() => {
    const { value } = tile;
    const background = pack(session.theme.value.page);
    const options = { first: first.value, background };
    return value && pictureOfTile(value, session.table.value, session.vmax(value), options);
  });
  useSignalEffect(() => {
    const { tiles, live, layer, index } = at.value;
    if (tiles.n === 0 || !live) return;
    tiles.want([[layer, index]], [], "max", tiles.whole, OVERVIEW_SIDE, slot);
  });
  useSignalEffect(() => {
    const cell = hover.value;
    const { tiles, live, layer, index } = at.value;
    if (cell && live) tiles.wantRow([layer, index], cell.row, `${slot} row`);
  });
  const most = tile.value ? session.vmax(tile.value) : 1;
  return (
    <div class={fill ? "pattern fill" : "pattern"}>
      <Heat
        name={other.name ?? `pattern-${layer}-${index}`}
        label={`Attention of ${layer}.${index}, rows are queries, columns are keys.`}
        title={
          <>
            <b>
              {layer}.{index}
            </b>{" "}
            <span class="quiet">{title}</span>
          </>
        }
        theme={session.theme}
        rows={{ label: "query", names: tokens }}
        cols={{ label: "key", names: tokens }}
        cells={picture}
        scale={{ least: 0, most, signed: false, unit: "attention" }}
        causal
        {...(fill ? { fill } : {})}
        hover={hover}
        said={(row, col) => said(session, { tiles, tokens }, [layer, index], row, col)}
        stripe={stripe}
        missing={tile.value ? null : (other.reason ?? missing(session))}
      />
    </div>
  );
}

function said(
  session: Session,
  { tiles, tokens }: Omit<Read, "live">,
  head: HeadAt,
  q: number,
  k: number,
): string {
  tiles.arrived.value;
  const tile = tiles.overview(head, "max");
  const known = tiles.row(head, q)?.[k];
  const about = tile ? `about ${fixed(valueAt(tile, q, k))}` : "";
  const name = (i: number) => `${labelText(tokens[i] ?? "", 16).trim()} (${i})`;
  return `${name(q)} → ${name(k)}: ${known === undefined || session.baked ? about : exact(known)}`;
}

function missing(session: Session): string {
  if (session.status.value.state === "running") return "";
  if (session.baked) return "This head's pattern is not included in this page.";
  return "This head's pattern was not kept. Run the cell again to see it.";
}
