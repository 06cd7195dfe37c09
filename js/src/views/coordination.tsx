// Coordination: which heads work together, beyond chance, and how.
import type { Desk } from "../desk";
import { Foot, useKeys } from "../panels/foot";
import { TogetherPanel } from "../panels/together";
import { Heading, Notice, Progress } from "../panels/top";
import { module } from "./_mount";

function Coordination({ desk }: { desk: Desk }) {
  const keys = useKeys(desk);
  const topic = desk.topic.value.info;
  const { prompt } = desk.text.value;
  return (
    <div class="root" tabIndex={0} role="group" aria-label="Coordination" onKeyDown={keys}>
      <header>
        <Heading desk={desk} />
        <p class="quiet probe" data-cw="probe" title={prompt}>
          {prompt || "\u00a0"}
        </p>
        <Progress desk={desk} />
        <Notice desk={desk} />
      </header>
      {topic?.kind === "coordination" && <TogetherPanel desk={desk} topic={topic} />}
      <Foot desk={desk} />
    </div>
  );
}

export default module(Coordination);
