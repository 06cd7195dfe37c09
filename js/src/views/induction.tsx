// Induction heads: every head by its scores, the pairs they work in, and the trace of a prompt.
import type { InductionTopic } from "../contract.gen";
import type { Desk } from "../desk";
import { Facts } from "../panels/facts";
import { Foot, useKeys } from "../panels/foot";
import { HeadPanel } from "../panels/grid";
import { HopsPanel } from "../panels/hops";
import { PairsPanel } from "../panels/pairs";
import { Ranking } from "../panels/ranking";
import { ScatterPanel } from "../panels/scatter";
import { Heading, Notice, Progress } from "../panels/top";
import { module } from "./_mount";

function Induction({ desk }: { desk: Desk }) {
  const keys = useKeys(desk);
  const { prompt } = desk.text.value;
  const topic = desk.topic.value.info as InductionTopic | null;
  return (
    <div class="root" tabIndex={0} role="group" aria-label="Induction heads" onKeyDown={keys}>
      <header>
        <Heading desk={desk} />
        <p class="quiet probe" data-cw="probe" title={prompt}>
          {prompt || "\u00a0"}
        </p>
        <Progress desk={desk} />
        <Notice desk={desk} />
      </header>
      {topic && topic.repeats.length > 0 ? (
        <HopsPanel desk={desk} topic={topic} />
      ) : (
        <Heads desk={desk} topic={topic} />
      )}
      <Foot desk={desk} />
    </div>
  );
}

function Heads({ desk, topic }: { desk: Desk; topic: InductionTopic | null }) {
  return (
    <>
      <div class="panels one">
        <HeadPanel desk={desk}>
          <div class="beside">
            <Ranking desk={desk} />
            <ScatterPanel desk={desk} x="previous_token" y="prefix_matching" />
          </div>
        </HeadPanel>
      </div>
      {topic && <Facts facts={topic.facts} />}
      {topic && <PairsPanel desk={desk} {...topic} />}
    </>
  );
}

export default module(Induction);
