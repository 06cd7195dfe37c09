// Small pictures of every head, grouped by what its attention looks like; thresholds relabel at once.
import { useComputed, useSignal } from "@preact/signals";
import { pack } from "../draw/color";
import { paint, type Tile, toCanvas } from "../draw/tile";
import type { Plane, Session } from "../model/session";
import type { PatternKind, PatternsTopic } from "../views/patterns/rows";
import { Canvas, place } from "./canvas";
import { Choice } from "./choice";
import { fixed } from "./number";
import { nullOf } from "./ranking";

const CELL = 46;
const GAP = 8;
const NAME = 14;
export const OTHER = "other";

/** Whether a head is of a class: beyond the threshold and beyond its null, not just by its mean. */
export function holds(plane: Plane, index: number, threshold: number): boolean {
  const value = plane.value[index] ?? Number.NaN;
  const low = plane.low?.[index];
  const sure = low === undefined || Number.isNaN(low) ? value : low;
  const high = plane.bar?.[index];
  const bar = high === undefined || Number.isNaN(high) ? nullOf(plane, index) : high;
  return sure > threshold && (bar === null || sure > bar);
}

/** The first class that holds names a head; what no class holds for is "other". */
export function labelled(
  kinds: PatternKind[],
  planes: Plane[],
  thresholds: Record<string, number>,
  count: number,
): string[] {
  const of = new Map(planes.map((plane) => [plane.about.name, plane]));
  return Array.from({ length: count }, (_, index) => {
    const kind = kinds.find((kind) => {
      const plane = of.get(kind.score);
      return plane && holds(plane, index, thresholds[kind.name] ?? kind.threshold);
    });
    return kind?.name ?? OTHER;
  });
}

export function GalleryPanel({ session, topic }: { session: Session; topic: PatternsTopic }) {
  const { params } = session;
  const thresholds = Object.fromEntries(
    topic.kinds.map(({ name, threshold }) => {
      const set = params.number(`threshold.${name}`).value;
      return [name, Number.isNaN(set) ? threshold : set];
    }),
  );
  const sort = useSignal<"class" | "grid">("class");
  const { n_layers, n_heads } = session.text.value;
  const count = n_layers * n_heads;
  const labels = labelled(topic.kinds, session.planes.value, thresholds, count);
  const tiles = topic.thumbnails;
  const groups = [
    ...topic.kinds,
    { name: OTHER, label: "Other", description: "No class holds beyond doubt.", function: "" },
  ];
  return (
    <section class="gallery" aria-label="Patterns by class">
      <div class="sliders" data-cw="sliders">
        {topic.kinds.map((kind) => (
          <label key={kind.name} title={kind.description}>
            <span>{kind.label}</span>
            <input
              type="range"
              min="0"
              max="1"
              step="0.01"
              value={String(thresholds[kind.name])}
              aria-label={`Threshold of ${kind.label}`}
              onInput={(event) =>
                params.set(`threshold.${kind.name}`, Number(event.currentTarget.value))
              }
            />
            <b>{fixed(thresholds[kind.name])}</b>
          </label>
        ))}
        <Choice
          label="Sorted by"
          options={[
            { value: "class", label: "by the class's score" },
            { value: "grid", label: "by the grid's score" },
          ]}
          value={sort.value}
          choose={(by) => {
            sort.value = by;
          }}
        />
        <button type="button" class="stop" onClick={() => params.reset("threshold.")}>
          defaults
        </button>
      </div>
      {groups.map((kind) => {
        const heads = labels.flatMap((label, index) => (label === kind.name ? [index] : []));
        return (
          <Group
            key={kind.name}
            session={session}
            kind={kind}
            heads={heads}
            score={sort.value === "class" && "score" in kind ? (kind as PatternKind).score : null}
            tiles={tiles}
          />
        );
      })}
    </section>
  );
}

interface GroupProps {
  session: Session;
  kind: { name: string; label: string; description: string; function: string };
  heads: number[];
  score: string | null;
  tiles: (Tile | null)[];
}

function Group({ session, kind, heads, score, tiles }: GroupProps) {
  const n = session.text.value.n_heads;
  const shown = useSignal({ heads, tiles });
  const sortBy = session.plane.value;
  const own = session.planes.value.find((plane) => plane.about.name === score) ?? sortBy;
  const sorted = [...heads].sort((a, b) => (own?.value[b] ?? -1) - (own?.value[a] ?? -1));
  if (String(shown.peek().heads) !== String(sorted) || shown.peek().tiles !== tiles)
    shown.value = { heads: sorted, tiles };
  const columns = useSignal(1);
  const at = (event: MouseEvent): number | null => {
    const { x, y } = place(event);
    const [column, row] = [Math.floor(x / (CELL + GAP)), Math.floor(y / (CELL + NAME + GAP))];
    const found = column < columns.peek() ? sorted[row * columns.peek() + column] : undefined;
    return found ?? null;
  };
  const hover = useSignal<number | null>(null);
  const said = useComputed(() => {
    const index = hover.value;
    if (index === null) return "\u00a0";
    const parts = session.planes.value
      .filter(
        (plane) =>
          plane.about.name === score || plane.about.name === session.params.choice("score").value,
      )
      .map((plane) => `${plane.about.label.toLowerCase()} ${fixed(plane.value[index])}`);
    return `${Math.floor(index / n)}.${index % n}  ${parts.join(", ")}`;
  });
  return (
    <div class="kind" data-cw={`kind-${kind.name}`}>
      <h3>
        {kind.label} <b data-cw="count">{heads.length}</b>{" "}
        <span class="quiet">
          {kind.description} {kind.function && <code>{kind.function}</code>}
        </span>
      </h3>
      {heads.length > 0 && (
        <>
          <Canvas
            label={`${kind.label}: ${heads.length} heads. The grid has them for the keyboard.`}
            height={(width) => {
              columns.value = Math.max(1, Math.floor((width + GAP) / (CELL + GAP)));
              const rows = Math.ceil(shown.value.heads.length / columns.peek());
              return rows * (CELL + NAME + GAP);
            }}
            draw={(ctx) => {
              const [layer, head] = session.head.value;
              const { heads, tiles } = shown.value;
              for (const [i, index] of heads.entries())
                drawOne(ctx, session, tiles[index], {
                  x: (i % columns.peek()) * (CELL + GAP),
                  y: Math.floor(i / columns.peek()) * (CELL + NAME + GAP),
                  name: `${Math.floor(index / n)}.${index % n}`,
                  selected: index === layer * n + head,
                });
            }}
            onClick={(event) => {
              const index = at(event);
              if (index !== null) session.select({ layer: Math.floor(index / n), head: index % n });
            }}
            onMouseMove={(event) => {
              hover.value = at(event);
            }}
            onMouseLeave={() => {
              hover.value = null;
            }}
          />
          <p class="tip">{said}</p>
        </>
      )}
    </div>
  );
}

function drawOne(
  ctx: CanvasRenderingContext2D,
  session: Session,
  tile: Tile | null | undefined,
  o: { x: number; y: number; name: string; selected: boolean },
): void {
  const theme = session.theme.value;
  if (tile) {
    const opts = { first: session.params.choice("first").value, background: pack(theme.page) };
    ctx.imageSmoothingEnabled = false;
    const painted = paint(tile, session.table.value, tile.scale || 1, opts);
    ctx.drawImage(toCanvas(painted), o.x + 1, o.y + 1, CELL - 2, CELL - 2);
  }
  ctx.strokeStyle = o.selected ? theme.accent : theme.line;
  ctx.lineWidth = o.selected ? 2 : 1;
  ctx.strokeRect(o.x + 1, o.y + 1, CELL - 2, CELL - 2);
  ctx.fillStyle = o.selected ? theme.accent : theme.muted;
  ctx.font = `11px ${theme.sans}`;
  ctx.textAlign = "center";
  ctx.textBaseline = "top";
  ctx.fillText(o.name, o.x + CELL / 2, o.y + CELL + 2);
}
