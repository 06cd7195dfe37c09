// Numbers about the model as a whole, each with its interval and what it is compared with.
import type { Fact } from "../wire/rows";
import { fixed } from "./number";

export function Facts({ facts }: { facts: Fact[] }) {
  return (
    <dl class="facts-list" data-cw="facts-list">
      {facts.map((fact) => (
        <div key={fact.label} title={fact.about}>
          <dt>{fact.label}</dt>
          <dd>
            <b>{fixed(fact.value)}</b> {fact.unit}{" "}
            {fact.low !== null && fact.high !== null && (
              <small>
                {fixed(fact.low)} to {fixed(fact.high)}
              </small>
            )}
            {fact.null !== null && (
              <span class="quiet">
                {fact.null_label} {fixed(fact.null)}
              </span>
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}
