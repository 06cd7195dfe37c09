// What the head does: its attention matrix, with zoom, pan and the exact value under the pointer.
import { useComputed, useSignalEffect } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { pack } from "../../draw/color";
import { pictureOfTile } from "../../draw/picture";
import { type Cell, clamp, reveal, type Shape } from "../../draw/viewport";
import type { Session } from "../../model/session";
import { Heat } from "../../parts/Heat";
import { STEP, useZoom, type Zoom, zoomBy } from "../../parts/Zoom";
import { Controls, ZoomButtons } from "./Controls";
import { useRefinement } from "./refinement";
import { Said } from "./Said";

export function Matrix({ session }: { session: Session }) {
  const [layer, head] = session.head.value;
  const { tokens, live } = session.text.value;
  const zoom = useZoom();
  const shape = useMemo(() => ({ rows: tokens.length, cols: tokens.length }), [tokens]);
  useZoomKeys(session, zoom, shape);
  const refined = useRefinement(session, zoom);
  const first = session.params.choice("first");
  const picture = useComputed(() => {
    const tile = refined.value ?? session.picture.value;
    if (!tile) return null;
    const most = session.vmax(session.picture.value ?? tile);
    const options = { first: first.value, background: pack(session.theme.value.page) };
    return pictureOfTile(tile, session.table.value, most, options);
  });
  const hover = useHover(session);
  // Of what is drawn: while another head is on its way the colours, and the scale, are the last one's.
  const tile = session.picture.value;
  const { query, key } = session.cell.value;
  return (
    <>
      <Heat
        name="matrix"
        label={`Attention of ${layer}.${head}: ${tokens.length} queries down, as many keys across.`}
        title={
          <>
            <h3 title="Rows: query, columns: key">
              Attention of {layer}.{head}
            </h3>
            <ZoomButtons zoom={zoom} shape={shape} />
          </>
        }
        theme={session.theme}
        rows={{ label: "query", names: tokens }}
        cols={{ label: "key", names: tokens }}
        cells={picture}
        scale={{ least: 0, most: tile ? session.vmax(tile) : 1, signed: false, unit: "attention" }}
        causal
        fill
        keys={false}
        zoom={zoom}
        selected={{ row: query, col: key }}
        hover={hover}
        choose={(row, col) => session.select({ query: row, key: col }, "matrix")}
        said={(row, col) => <Said session={session} query={row} at={col} />}
        idle={`Hover a cell for its ${session.baked ? "" : "exact "}value, click to pin it; ctrl + wheel zooms.`}
        missing={picture.value ? null : missing(session, live)}
      />
      <Controls session={session} />
    </>
  );
}

/** What the session knows of the pointer, as a cell of the matrix and back. */
function useHover(session: Session) {
  return useMemo(() => {
    const cell = (): Cell | null => {
      const { value } = session.hover;
      return value && value.key !== null ? { row: value.query, col: value.key } : null;
    };
    return {
      get value() {
        return cell();
      },
      set value(at: Cell | null) {
        session.hover.value = at && { where: "matrix", query: at.row, key: at.col };
      },
      peek: () => {
        const at = session.hover.peek();
        return at && at.key !== null ? { row: at.query, col: at.key } : null;
      },
    };
  }, [session]);
}

/** Why there is no picture. */
function missing(session: Session, live: boolean): string {
  if (!live) return "This result has scores only: no text was run.";
  if (session.client.alive.value === "no")
    return "This head was not saved with the page. Run the cell again to compute it.";
  return session.tiles.value.refusal.value ?? "";
}

function useZoomKeys(session: Session, zoom: Zoom, shape: Shape): void {
  useSignalEffect(() => {
    const { key } = session.zoomKey.value;
    if (key === "+") zoomBy(zoom, shape, STEP);
    else if (key === "-") zoomBy(zoom, shape, 1 / STEP);
    else if (key === "0") zoom.window.value = null;
  });
  // A new text starts whole.
  useEffect(() => {
    zoom.window.value = null;
  }, [shape]);
  // What the keys select stays in sight.
  useSignalEffect(() => {
    const { query, key } = session.cell.value;
    const window = zoom.window.peek();
    if (query !== null && window)
      zoom.window.value = reveal(clamp(window, shape), shape, query, key);
  });
}
