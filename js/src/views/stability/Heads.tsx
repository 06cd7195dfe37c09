// How heads attend at two checkpoints: every head's score of a role, and the pattern of the selected one.
import { useComputed } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { pack } from "../../draw/color";
import { inSentence, labelText } from "../../draw/label";
import { fixed, interval, isThere } from "../../draw/number";
import { pictureOfTile } from "../../draw/picture";
import { cellOf, type Tile } from "../../draw/tile";
import { nameOf } from "../../model/address";
import { baselineOf, faintOf } from "../../model/planes";
import type { Session } from "../../model/session";
import { HeadGrid } from "../../parts/HeadGrid";
import { Heat } from "../../parts/Heat";
import { useLatest } from "../../parts/latest";
import type { Shown } from "./checkpoints";
import { stepSaid } from "./words";

interface Props {
  session: Session;
  shown: Shown;
}

export function Heads({ session, shown }: Props) {
  const { at, other } = shown;
  return (
    <div class="beside">
      <Side {...{ session, shown }} name="one" at={at} />
      <Side {...{ session, shown }} name="other" at={other} />
    </div>
  );
}

/** The role that heads are coloured by, and whose curves are shown. */
export function RoleChoice({ session }: { session: Session }) {
  return (
    <label class="named">
      Colour heads by
      <select
        class="score"
        aria-label="Role"
        value={session.plane.value?.about.name ?? ""}
        onChange={(event) => session.params.set("score", event.currentTarget.value)}
      >
        {session.planes.value.map(({ about }) => (
          <option key={about.name} value={about.name}>
            {about.label}
          </option>
        ))}
      </select>
    </label>
  );
}

interface SideProps extends Props {
  name: string;
  at: number;
}

function Side({ session, shown, name, at }: SideProps) {
  return (
    <section class="side" aria-label={stepSaid(shown.rows, at)}>
      <h3 data-cw={`${name}-step`}>{stepSaid(shown.rows, at)}</h3>
      <Grid {...{ session, shown, name, at }} />
      <Attention {...{ session, shown, name, at }} />
    </section>
  );
}

function Grid({ session, shown: { rows }, name, at }: SideProps) {
  const { n_layers, n_heads } = session.text.value;
  const about = session.plane.value?.about ?? null;
  const plane = useMemo(() => about && rows.planeAt(about, at), [rows, about, at]);
  const faint = useMemo(() => plane && faintOf(plane), [plane]);
  const none = useMemo(
    () => new Float32Array(n_layers * n_heads).fill(Number.NaN),
    [n_layers, n_heads],
  );
  const { label = "", least = 0, most = 1, chance = null } = about ?? {};
  return (
    <HeadGrid
      name={`grid-${name}`}
      label={`Heads at ${stepSaid(rows, at)}: rows are layers, columns are heads.`}
      theme={session.theme}
      layers={n_layers}
      heads={n_heads}
      values={plane?.value ?? none}
      scale={{ least, most, signed: least < 0, unit: inSentence(label), chance }}
      faint={faint}
      selected={session.head.value}
      hover={session.hoverHead as never}
      choose={(layer, head) => session.select({ layer, head }, "grid")}
      said={(layer, head) => {
        const i = layer * n_heads + head;
        if (!plane || !isThere(plane.value[i])) return `${nameOf([layer, head])}: not computed`;
        const span = interval(plane.low?.[i], plane.high?.[i]);
        const than = baselineOf(plane, i);
        const beside = isThere(than) ? `, baseline ${fixed(than)}` : "";
        return `${nameOf([layer, head])}  ${fixed(plane.value[i])}${span && ` (${span})`}${beside}`;
      }}
      {...(faint?.includes(1) ? { note: "faint: not above its baseline" } : {})}
    />
  );
}

const WHOLE = { least: 0, most: 1, signed: false, unit: "attention" } as const;

/** The selected head's attention on the first prompt; colours are the same at every step. */
function Attention({ session, shown: { rows }, name, at }: SideProps) {
  const [layer, head] = session.head.value;
  const { tokens } = session.text.value;
  const tile = rows.picture(at, [layer, head]);
  const given = useLatest({ tile });
  const picture = useComputed(() => {
    const { tile } = given.value;
    const background = pack(session.theme.value.page);
    return tile && pictureOfTile(tile, session.table.value, 1, { first: "show", background });
  });
  const word = (i: number) => `${labelText(tokens[i] ?? "", 16).trim()} (${i})`;
  return (
    <Heat
      name={`attention-${name}`}
      label={`Attention of ${nameOf([layer, head])} at ${stepSaid(rows, at)}, rows are queries, columns are keys.`}
      title={<b>{nameOf([layer, head])}</b>}
      theme={session.theme}
      rows={{ label: "query", names: tokens }}
      cols={{ label: "key", names: tokens }}
      cells={picture}
      scale={WHOLE}
      causal
      fill
      said={(row, col) =>
        tile ? `${word(row)} → ${word(col)}: about ${fixed(cellAt(tile, row, col))}` : null
      }
      missing={tile ? null : MISSING}
    />
  );
}

const MISSING = "Pictures are kept of heads that are in a circuit; this one is in none.";

/** What a picture knows of a cell; its first column is with the others. */
function cellAt(tile: Tile, query: number, key: number): number | null {
  const cell = key > query ? null : cellOf(tile, query, key);
  const byte = cell ? tile.data[cell.row * tile.cols + cell.col] : undefined;
  return byte === undefined ? null : (byte * tile.scale) / 255;
}
