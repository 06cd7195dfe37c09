// The highest heads by the chosen score, each with its interval and what it has to beat.
import { useComputed } from "@preact/signals";
import type { Plane, Session } from "../model/session";
import { fixed } from "./number";

const ROWS = 8;

interface Ranked {
  layer: number;
  head: number;
  index: number;
}

export function Ranking({ session }: { session: Session }) {
  const heads = useComputed(() => highest(session.plane.value, session.text.value.n_heads));
  const plane = session.plane.value;
  const [layer, head] = session.head.value;
  return (
    <div class="ranking">
      <h3>Highest {plane ? `by ${plane.about.label.toLowerCase()}` : ""}</h3>
      <ol class="list" data-cw="ranking">
        {Array.from({ length: ROWS }, (_, i) => {
          const at = heads.value[i];
          return (
            <li key={i}>
              {at && plane && (
                <Line
                  at={at}
                  plane={plane}
                  chosen={at.layer === layer && at.head === head}
                  choose={() => session.select({ layer: at.layer, head: at.head })}
                />
              )}
            </li>
          );
        })}
      </ol>
    </div>
  );
}

/** What the head's score has to be compared with: its own control, else chance. */
export function nullOf(plane: Plane, index: number): number | null {
  const control = plane.control?.[index];
  return control !== undefined && !Number.isNaN(control) ? control : plane.about.chance;
}

interface LineProps {
  at: Ranked;
  plane: Plane;
  chosen: boolean;
  choose: () => void;
}

function Line({ at, plane, chosen, choose }: LineProps) {
  const value = plane.value[at.index] ?? Number.NaN;
  const [low, high] = [plane.low?.[at.index], plane.high?.[at.index]];
  const against = nullOf(plane, at.index);
  const { least, most } = plane.about;
  const place = (v: number) =>
    `${Math.max(0, Math.min(1, (v - least) / (most - least || 1))) * 100}%`;
  const hasInterval = low !== undefined && high !== undefined && !Number.isNaN(low);
  return (
    <button type="button" class="line" aria-current={chosen} onClick={choose}>
      <span class="of-head">
        {at.layer}.{at.head}
      </span>
      <span class="track">
        <span class="bar" style={{ width: place(value) }} />
        {hasInterval && (
          <span
            class="interval"
            style={{ left: place(low), width: `calc(${place(high)} - ${place(low)})` }}
            title={`interval ${fixed(low)} to ${fixed(high)}`}
          />
        )}
        {against !== null && (
          <span class="chance" style={{ left: place(against) }} title={`null ${fixed(against)}`} />
        )}
      </span>
      <span class="number">{fixed(value)}</span>
    </button>
  );
}

function highest(plane: Plane | null, nHeads: number): Ranked[] {
  if (!plane) return [];
  return [...plane.value.entries()]
    .filter(([, value]) => !Number.isNaN(value))
    .sort((a, b) => b[1] - a[1] || a[0] - b[0])
    .slice(0, ROWS)
    .map(([index]) => ({ layer: Math.floor(index / nHeads), head: index % nHeads, index }));
}
