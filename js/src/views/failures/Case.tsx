// One case: its tokens, what was expected and what came, the types that hold, and the diagnosis.
import { labelText } from "../../draw/label";
import { Estimate } from "../../parts/Estimate";
import { behind } from "./Cases";
import { labelOf } from "./rows";
import type { Shown } from "./state";

const WHOLE = [0, 1] as const;

export function Case({ shown: { rows, at } }: { shown: Shown }) {
  const { cases, kinds, scores } = rows;
  const tokens = rows.texts.get(2 * at) ?? [];
  const usual = cases.pHealthy[at];
  if (cases.n === 0) return null;
  return (
    <div class="scroll">
      <h3 data-cw="case-name">
        Case {at}
        <span class="quiet"> {labelOf(kinds, cases.type[at] ?? "")}</span>
      </h3>
      <p class="case-text" data-cw="case-text" dir="ltr">
        {tokens.map((token, i) => (
          <span key={i} title={`position ${i}`}>
            {labelText(token, 40)}
          </span>
        ))}
      </p>
      <dl class="answers" data-cw="answers">
        <Answer name="expected" token={cases.expected[at]} p={cases.pExpected[at]} usual={usual} />
        <Answer name="predicted" token={cases.predicted[at]} p={cases.pPredicted[at]} />
      </dl>
      {scores && cases.type[at] && (
        <dl class="answers" data-cw="types" title={behind(rows, at)}>
          {scores.info.cols.texts?.map((name, column) => (
            <div key={name} title={kinds.find((kind) => kind.name === name)?.about}>
              <dt>{labelOf(kinds, name)}</dt>
              <dd>
                <Estimate value={scores.at(at, column)} ends={WHOLE} />
              </dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
}

interface AnswerProps {
  name: string;
  token: string | undefined;
  p: number | undefined;
  usual?: number | undefined;
}

function Answer({ name, token = "", p = Number.NaN, usual }: AnswerProps) {
  return (
    <div>
      <dt>
        {name} <span class="token">{labelText(token, 20)}</span>
      </dt>
      <dd>
        <Estimate value={p} ends={WHOLE} baseline={usual ?? null} baselineName="in the reference" />
      </dd>
    </div>
  );
}
