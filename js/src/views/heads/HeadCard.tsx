// The selected head's numbers, each beside its baseline.
import { fixed } from "../../draw/number";
import { baselineOf, type Plane } from "../../model/planes";
import type { Session } from "../../model/session";
import { bring } from "../../styles";
import sheet from "../../styles/head-card.css";

bring(sheet);

/** Groups that name what was read; others name how it was measured. */
const OF_DATA = new Set(["random tokens", "this text", "this output"]);

/** What one has to know to read a group. */
const NOTES: Readonly<Record<string, string>> = {
  "without the head":
    "Backup heads can make up for the loss of a single head: a small effect does not show that the head is idle.",
  ablation:
    "Backup heads can make up for the loss of a single head: a small effect does not show that the head is idle. The baseline is the mean of random other heads of the same layers; where there are too few of them it is missing.",
};

export function HeadCard({ session }: { session: Session }) {
  const [layer, head] = session.head.value;
  const index = layer * session.text.value.n_heads + head;
  // A notebook of an earlier version does not say it.
  const before = session.text.value.kept?.[layer]?.[head] ?? head;
  const groups = new Map<string, Plane[]>();
  for (const plane of session.planes.value)
    groups.set(plane.about.group, [...(groups.get(plane.about.group) ?? []), plane]);
  return (
    <div class="card">
      <strong class="name" data-cw="head-name">
        {layer}.{head}
      </strong>
      {before !== head && (
        <span class="quiet" data-cw="head-before">{` ${layer}.${before} of the whole model`}</span>
      )}
      <div class="card-scores">
        {[...groups].map(([group, planes]) => (
          <div key={group}>
            <table>
              <thead>
                <tr>
                  <th scope="col">{OF_DATA.has(group) ? `on ${group}` : group}</th>
                  <th scope="col" class="number">
                    score
                  </th>
                  <th
                    scope="col"
                    class="number explained"
                    title="What the score is compared with: its control where there is one, else chance. Hover a row to see which."
                  >
                    baseline
                  </th>
                </tr>
              </thead>
              <tbody>
                {planes.map((plane) => (
                  <ScoreRow key={plane.about.name} plane={plane} index={index} />
                ))}
              </tbody>
            </table>
            {NOTES[group] && (
              <p class="quiet note" data-cw={`note-${group}`}>
                {NOTES[group]}
              </p>
            )}
          </div>
        ))}
      </div>
    </div>
  );
}

function ScoreRow({ plane, index }: { plane: Plane; index: number }) {
  const { about, value, low, high, control } = plane;
  const [from, to] = [low?.[index], high?.[index]];
  const has = from !== undefined && to !== undefined && !Number.isNaN(from);
  const interval = has ? `${about.interval} ${fixed(from)} to ${fixed(to)}` : "no interval";
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
        {has && <small> ±{fixed((to - from) / 2)}</small>}
      </td>
      <td class="number">{fixed(baselineOf(plane, index) ?? Number.NaN)}</td>
    </tr>
  );
}
