// Which head: every head's score, and the scale with chance on it.

import { useMemo } from "preact/hooks";
import { inSentence } from "../../draw/label";
import { fixed } from "../../draw/number";
import { nameOf } from "../../model/address";
import { faintOf, type Plane } from "../../model/planes";
import type { Session } from "../../model/session";
import { Choice } from "../../parts/Choice";
import { HeadGrid, type HeadGridProps } from "../../parts/HeadGrid";
import { bring } from "../../styles";
import sheet from "../../styles/head-card.css";

bring(sheet);

interface Props {
  session: Session;
  /** As high as what is around it allows. */
  fill?: boolean;
  /** What else the grid is given: dots, and a note that explains them. */
  grid?: Partial<HeadGridProps>;
}

export function HeadPicker(props: Props) {
  return (
    <div class="pick">
      <h3>Colour heads by</h3>
      <ScoreChoice session={props.session} />
      <Grid {...props} />
    </div>
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

function Grid({ session, fill = false, grid }: Props) {
  const { n_layers, n_heads } = session.text.value;
  const plane = session.plane.value;
  const none = useMemo(
    () => new Float32Array(n_layers * n_heads).fill(Number.NaN),
    [n_layers, n_heads],
  );
  const faint = useMemo(() => plane && faintOf(plane), [plane]);
  const { label = "", least = 0, most = 1, chance = null } = plane?.about ?? {};
  return (
    <HeadGrid
      name="grid"
      label="Heads: rows are layers, columns are heads. Arrow keys select."
      theme={session.theme}
      layers={n_layers}
      heads={n_heads}
      values={plane?.value ?? none}
      scale={{ least, most, signed: least < 0, unit: inSentence(label), chance }}
      faint={faint}
      selected={session.head.value}
      hover={session.hoverHead as never}
      choose={(layer, head) => session.select({ layer, head }, "grid")}
      said={(layer, head) => said(plane, [layer, head], n_heads, faint)}
      {...(faint?.includes(1) ? { note: "faint: not above chance" } : {})}
      fill={fill}
      {...grid}
    />
  );
}

function said(
  plane: Plane | null,
  at: [number, number],
  heads: number,
  faint: Uint8Array | null,
): string {
  const index = at[0] * heads + at[1];
  const value = plane?.value[index] ?? Number.NaN;
  return `${nameOf(at)}  ${fixed(value)}${faint?.[index] ? ", not above chance" : ""}`;
}
