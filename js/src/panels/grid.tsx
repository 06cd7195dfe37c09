// Which head: every head's score, the scale with chance on it, and the selected head's numbers.
import { useComputed, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { pack } from "../draw/color";
import { drawGrid, gridLayout, hitGrid } from "../draw/grid";
import { drawLegend, LEGEND_ROOM } from "../draw/legend";
import { coarser, paint, toCanvas } from "../draw/tile";
import type { Plane, Session } from "../model/session";
import { Canvas, place } from "./canvas";
import { Choice } from "./choice";
import { fixed } from "./number";
import { nullOf } from "./ranking";

const MAX_GRID = 480;
/** Groups that name what was read; others name how it was measured. */
const OF_DATA = new Set(["random tokens", "this text"]);

export function HeadPanel({
  session,
  children,
}: {
  session: Session;
  children?: ComponentChildren;
}) {
  return (
    <section class="heads" aria-label="Heads">
      <div class="pick">
        <h3>Heads by</h3>
        <ScoreChoice session={session} />
        <Grid session={session} />
        <Legend session={session} />
      </div>
      <Card session={session} />
      {children}
    </section>
  );
}

function ScoreChoice({ session }: { session: Session }) {
  const planes = session.planes.value;
  const current = session.plane.value;
  if (!current) return null;
  const groups = [...new Set(planes.map((p) => p.about.group))];
  const ofGroup = planes.filter((p) => p.about.group === current.about.group);
  return (
    <>
      {groups.length > 1 && (
        <Choice
          label="Measured on"
          options={groups.map((group) => ({ value: group, label: group }))}
          value={current.about.group}
          choose={(group) => {
            const first = planes.find((p) => p.about.group === group);
            if (first) session.params.set("score", first.about.name);
          }}
        />
      )}
      <select
        class="score"
        aria-label="Score"
        value={current.about.name}
        onChange={(event) => session.params.set("score", event.currentTarget.value)}
      >
        {ofGroup.map((p) => (
          <option key={p.about.name} value={p.about.name}>
            {p.about.label}
          </option>
        ))}
      </select>
    </>
  );
}

function Grid({ session }: { session: Session }) {
  const layout = useComputed(() => {
    const { n_layers, n_heads } = session.text.value;
    return (width: number) => gridLayout(n_layers, n_heads, width, MAX_GRID);
  });
  const current = useSignal<ReturnType<typeof gridLayout> | null>(null);
  const at = (event: MouseEvent) => {
    const { x, y } = place(event);
    return current.peek() && hitGrid(current.peek() as ReturnType<typeof gridLayout>, x, y);
  };
  const tip = useComputed(() => {
    const [layer, head] = session.hoverHead.value ?? session.head.value;
    const plane = session.plane.value;
    const value = plane?.value[layer * session.text.value.n_heads + head] ?? Number.NaN;
    return `${layer}.${head}  ${fixed(value)}`;
  });
  return (
    <>
      {/* Its own box, so that a wide model scrolls and the page does not. */}
      <div class="grid">
        <Canvas
          label="Heads: rows are layers, columns are heads. Arrow keys select."
          height={(width) => layout.value(width).height}
          draw={(ctx, box) => {
            const g = layout.value(box.width);
            current.value = g;
            const plane = session.plane.value;
            const [layer, head] = session.head.value;
            const hover = session.hoverHead.value;
            drawGrid(ctx, {
              layout: g,
              values: plane?.value ?? new Float32Array(g.layers * g.heads).fill(Number.NaN),
              table: session.table.value,
              theme: session.theme.value,
              vmin: plane?.about.least ?? 0,
              vmax: plane?.about.most ?? 1,
              selected: { layer, head },
              hover: hover && { layer: hover[0], head: hover[1] },
            });
          }}
          data-cw="grid"
          onClick={(event) => {
            const found = at(event);
            if (found) session.select({ layer: found.layer, head: found.head });
          }}
          onMouseMove={(event) => {
            const found = at(event);
            session.hoverHead.value = found ? [found.layer, found.head] : null;
          }}
          onMouseLeave={() => {
            session.hoverHead.value = null;
          }}
        />
      </div>
      <p class="tip" data-cw="grid-tip">
        {tip}
      </p>
    </>
  );
}

function Legend({ session }: { session: Session }) {
  const height = LEGEND_ROOM.above + 8 + LEGEND_ROOM.below;
  return (
    <div class="legend">
      <Canvas
        label="Colour scale"
        height={() => height}
        draw={(ctx, box) => {
          const plane = session.plane.value;
          if (!plane) return;
          const [layer, head] = session.head.value;
          const value = plane.value[layer * session.text.value.n_heads + head] ?? Number.NaN;
          drawLegend(ctx, {
            x: 0,
            y: LEGEND_ROOM.above,
            width: box.width,
            height: 8,
            table: session.table.value,
            theme: session.theme.value,
            vmin: plane.about.least,
            vmax: plane.about.most,
            chance: plane.about.chance,
            marker: Number.isNaN(value) ? null : value,
          });
        }}
      />
    </div>
  );
}

function Card({ session }: { session: Session }) {
  const [layer, head] = session.head.value;
  const index = layer * session.text.value.n_heads + head;
  const groups = new Map<string, Plane[]>();
  for (const plane of session.planes.value)
    groups.set(plane.about.group, [...(groups.get(plane.about.group) ?? []), plane]);
  return (
    <div class="card">
      <div class="card-top">
        <strong class="name" data-cw="head-name">
          {layer}.{head}
        </strong>
        {session.text.value.tokens.length > 0 && <Thumbnail session={session} />}
      </div>
      {[...groups].map(([group, planes]) => (
        <table key={group}>
          <thead>
            <tr>
              <th scope="col">{OF_DATA.has(group) ? `on ${group}` : group}</th>
              <th scope="col" class="number">
                score
              </th>
              <th scope="col" class="number" title="What it has to beat: a control, or chance">
                null
              </th>
            </tr>
          </thead>
          <tbody>
            {planes.map((plane) => (
              <ScoreRow key={plane.about.name} plane={plane} index={index} />
            ))}
          </tbody>
        </table>
      ))}
    </div>
  );
}

function ScoreRow({ plane, index }: { plane: Plane; index: number }) {
  const { about, value, low, high, control } = plane;
  const [from, to] = [low?.[index], high?.[index]];
  const interval =
    from !== undefined && to !== undefined && !Number.isNaN(from)
      ? `95 % interval ${fixed(from)} to ${fixed(to)}`
      : "no interval";
  const random = about.group === "random tokens" ? "the same on text without repeats" : "see above";
  const versus = control ? `control: ${random}` : "chance: uniform attention";
  return (
    <tr
      title={`${about.about} (${about.source}) ${interval}; ${versus}.`}
      data-cw={`score-${about.name}`}
    >
      <td>{about.label}</td>
      <td class="number strong">
        {fixed(value[index] ?? Number.NaN)}
        {from !== undefined && to !== undefined && !Number.isNaN(from) && (
          <small> ±{fixed((to - from) / 2)}</small>
        )}
      </td>
      <td class="number">{fixed(nullOf(plane, index) ?? Number.NaN)}</td>
    </tr>
  );
}

function Thumbnail({ session }: { session: Session }) {
  return (
    <div class="thumb">
      <Canvas
        label="The head's pattern, small"
        height={(width) => width}
        draw={(ctx, box) => {
          const tile = session.picture.value;
          const theme = session.theme.value;
          if (tile) {
            const painted = paint(
              coarser(tile, box.width),
              session.table.value,
              session.vmax(tile),
              {
                first: session.params.choice("first").value,
                background: pack(theme.page),
              },
            );
            ctx.imageSmoothingEnabled = false;
            ctx.drawImage(toCanvas(painted), 0, 0, box.width, box.height);
          }
          ctx.strokeStyle = theme.line;
          ctx.strokeRect(0.5, 0.5, box.width - 1, box.height - 1);
        }}
      />
    </div>
  );
}
