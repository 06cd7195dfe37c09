// Influence: what an output depends on, token by token, and along which routes.

import { module } from "../hosts/live";
import type { Session } from "../model/session";
import { EffectsPanel } from "../panels/effects";
import { FlowPanel } from "../panels/flow";
import { Foot } from "../panels/foot";
import { Heading, Notice, Progress } from "../panels/top";

function Influence({ session }: { session: Session }) {
  const topic = session.topic.value.info;
  return (
    <div class="root" tabIndex={0} role="group" aria-label="Influence">
      <header>
        <Heading session={session} />
        <span />
        <Progress session={session} />
        <Notice session={session} />
      </header>
      {topic?.kind === "influence" && <EffectsPanel session={session} topic={topic} />}
      {topic?.kind === "flow" && <FlowPanel session={session} topic={topic} />}
      <Foot session={session} />
    </div>
  );
}

export default module(Influence);
