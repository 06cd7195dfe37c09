// Coordination: which heads work together, beyond chance, and how.

import { module } from "../hosts/live";
import type { Session } from "../model/session";
import { Foot } from "../panels/foot";
import { TogetherPanel } from "../panels/together";
import { Heading, Notice, Progress } from "../panels/top";

function Coordination({ session }: { session: Session }) {
  const topic = session.topic.value.info;
  const { prompt } = session.text.value;
  return (
    <div class="root" tabIndex={0} role="group" aria-label="Coordination">
      <header>
        <Heading session={session} />
        <p class="quiet probe" data-cw="probe" title={prompt}>
          {prompt || "\u00a0"}
        </p>
        <Progress session={session} />
        <Notice session={session} />
      </header>
      {topic?.kind === "coordination" && <TogetherPanel session={session} topic={topic} />}
      <Foot session={session} />
    </div>
  );
}

export default module(Coordination);
