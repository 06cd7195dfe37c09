// Influence: what an output depends on, token by token, and along which routes.
import type { Desk } from "../desk";
import { EffectsPanel } from "../panels/effects";
import { FlowPanel } from "../panels/flow";
import { Foot, useKeys } from "../panels/foot";
import { Heading, Notice, Progress } from "../panels/top";
import { module } from "./_mount";

function Influence({ desk }: { desk: Desk }) {
  const keys = useKeys(desk);
  const topic = desk.topic.value.info;
  return (
    <div class="root" tabIndex={0} role="group" aria-label="Influence" onKeyDown={keys}>
      <header>
        <Heading desk={desk} />
        <span />
        <Progress desk={desk} />
        <Notice desk={desk} />
      </header>
      {topic?.kind === "influence" && <EffectsPanel desk={desk} topic={topic} />}
      {topic?.kind === "flow" && <FlowPanel desk={desk} topic={topic} />}
      <Foot desk={desk} />
    </div>
  );
}

export default module(Influence);
