// One head's attention on the view's text, with a diagonal marked: where a kind of head looks.
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
import { OVERVIEW_SIDE } from "../../wire/tiles";

bring(sheet);

export type { Stripe };

interface Props {
  session: Session;
  head: HeadAt;
  title: string;
  stripe: Stripe | null;
  /** As high as what is around it allows. */
  fill?: boolean;
}

export function Pattern({ session, head: [layer, index], title, stripe, fill }: Props) {
  // Two patterns of one view ask by themselves: a request of one does not replace the other's.
  const slot = session.slot(`pattern ${useId()}`);
  const at = useLatest({ layer, index });
  const hover = useSignal<Cell | null>(null);
  const first = session.params.choice("first");
  const tile = useComputed(() => {
    session.tiles.value.arrived.value;
    return session.tiles.value.overview([at.value.layer, at.value.index], "max");
  });
  const picture = useComputed(() => {
    const { value } = tile;
    const background = pack(session.theme.value.page);
    const options = { first: first.value, background };
    return value && pictureOfTile(value, session.table.value, session.vmax(value), options);
  });
  useSignalEffect(() => {
    const tiles = session.tiles.value;
    if (tiles.n === 0 || !session.text.value.live) return;
    const { layer, index } = at.value;
    tiles.want([[layer, index]], [], "max", tiles.whole, OVERVIEW_SIDE, slot);
  });
  useSignalEffect(() => {
    const cell = hover.value;
    if (!cell || !session.text.value.live) return;
    session.tiles.value.wantRow([at.value.layer, at.value.index], cell.row, `${slot} row`);
  });
  const { tokens } = session.text.value;
  const most = tile.value ? session.vmax(tile.value) : 1;
  return (
    <div class={fill ? "pattern fill" : "pattern"}>
      <Heat
        name={`pattern-${layer}-${index}`}
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
        said={(row, col) => said(session, [layer, index], row, col)}
        stripe={stripe}
        missing={tile.value ? null : missing(session)}
      />
    </div>
  );
}

function said(session: Session, head: HeadAt, q: number, k: number): string {
  const tiles = session.tiles.value;
  tiles.arrived.value;
  const tile = tiles.overview(head, "max");
  const { tokens } = session.text.value;
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
