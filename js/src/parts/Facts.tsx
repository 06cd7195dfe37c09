// Numbers about the model as a whole, each with its interval and what it is compared with.

import { bring } from "../styles";
import sheet from "../styles/facts.css";
import { Estimate } from "./Estimate";

bring(sheet);

export interface Fact {
  label: string;
  about: string;
  unit: string;
  value: number | null;
  low: number | null;
  high: number | null;
  interval: string;
  null_label: string;
  null: number | null;
}

export function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl class="facts-list" data-cw="facts-list">
      {facts.map(({ label, about, null_label, null: baseline, ...estimate }) => (
        <div key={label} title={about}>
          <dt class={about ? "explained" : ""}>{label}</dt>
          <dd>
            <Estimate {...estimate} baseline={baseline} baselineName={null_label} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
