// Induction heads: every head by its scores, the pairs they work in, and the trace of a prompt.

import { useMemo } from "preact/hooks";
import { module } from "../hosts/live";
import type { Session } from "../model/session";
import { Facts } from "../panels/facts";
import { Foot } from "../panels/foot";
import { HopsPanel } from "../panels/hops";
import { PairsPanel } from "../panels/pairs";
import { Ranking } from "../panels/ranking";
import { Heading, Notice, Progress } from "../panels/top";
import { HeadPanel } from "./heads/HeadPanel";
import { HeadScatter } from "./heads/HeadScatter";
import { type InductionTopic, readInduction } from "./induction/rows";

function Induction({ session }: { session: Session }) {
  const { prompt } = session.text.value;
  const told = session.topic.value;
  const topic = useMemo(() => told && readInduction(told), [told]);
  return (
    <div class="root" tabIndex={0} role="group" aria-label="Induction heads">
      <header>
        <Heading session={session} />
        <p class="quiet probe" data-cw="probe" title={prompt}>
          {prompt || "\u00a0"}
        </p>
        <Progress session={session} />
        <Notice session={session} />
      </header>
      {topic && topic.repeats.length > 0 ? (
        <HopsPanel session={session} topic={topic} />
      ) : (
        <Heads session={session} topic={topic} />
      )}
      <Foot session={session} />
    </div>
  );
}

function Heads({ session, topic }: { session: Session; topic: InductionTopic | null }) {
  return (
    <>
      <div class="panels one">
        <HeadPanel session={session}>
          <div class="beside">
            <Ranking session={session} />
            <HeadScatter session={session} x="previous_token" y="prefix_matching" />
          </div>
        </HeadPanel>
      </div>
      {topic && <Facts facts={topic.facts} />}
      {topic && <PairsPanel session={session} {...topic} />}
    </>
  );
}

export default module(Induction);
