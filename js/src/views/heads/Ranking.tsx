// The highest or the lowest heads by the chosen score, each with its interval and its baseline.

import { useMemo } from "preact/hooks";
import { inSentence } from "../../draw/label";
import { nameOf } from "../../model/address";
import { baselineOf, type Plane } from "../../model/planes";
import type { Session } from "../../model/session";
import { Estimate } from "../../parts/Estimate";
import { sortedRows } from "../../parts/sort";
import { bring } from "../../styles";
import sheet from "../../styles/ranking.css";

bring(sheet);

const ROWS = 24;

export function Ranking({ session }: { session: Session }) {
  const plane = session.plane.value;
  const { n_heads } = session.text.value;
  const [layer, head] = session.head.value;
  const lowest = session.params.choice("ranking").value === "lowest";
  const shown = useMemo(() => (plane ? ranked(plane, !lowest) : []), [plane, lowest]);
  if (!plane) return null;
  const { label, least, most } = plane.about;
  return (
    <div class="ranking">
      <h3>
        <button
          type="button"
          data-cw="ranking-order"
          title={`Show the ${lowest ? "highest" : "lowest"} instead`}
          onClick={() => session.params.set("ranking", lowest ? "highest" : "lowest")}
        >
          {lowest ? "Lowest" : "Highest"} by {inSentence(label)}
          <i aria-hidden="true">{lowest ? " ▴" : " ▾"}</i>
        </button>
      </h3>
      <ol class="ranks scroll" data-cw="ranking">
        {shown.map((index) => {
          const at: [number, number] = [Math.floor(index / n_heads), index % n_heads];
          return (
            <li key={index}>
              <button
                type="button"
                class="line"
                aria-current={index === layer * n_heads + head}
                onClick={() => session.select({ layer: at[0], head: at[1] }, "ranking")}
              >
                <span class="of-head">{nameOf(at)}</span>
                <Estimate
                  value={plane.value[index]}
                  low={plane.low?.[index]}
                  high={plane.high?.[index]}
                  interval={plane.about.interval}
                  baseline={baselineOf(plane, index)}
                  baselineName={plane.control ? "control" : "chance"}
                  ends={[least, most]}
                />
              </button>
            </li>
          );
        })}
      </ol>
    </div>
  );
}

function ranked({ value }: Plane, descending: boolean): number[] {
  const known = sortedRows(value, value.length, descending).slice(0, ROWS);
  return known.filter((index) => !Number.isNaN(value[index] ?? Number.NaN));
}
