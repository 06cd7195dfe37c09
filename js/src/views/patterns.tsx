// Attention patterns: every head's scores, and a gallery of small pictures by class.
import type { PatternsTopic } from "../contract.gen";
import type { Desk } from "../desk";
import { Foot, useKeys } from "../panels/foot";
import { GalleryPanel } from "../panels/gallery";
import { HeadPanel } from "../panels/grid";
import { Pattern } from "../panels/pattern";
import { Ranking } from "../panels/ranking";
import { Heading, Notice, Progress } from "../panels/top";
import { module } from "./_mount";

function Patterns({ desk }: { desk: Desk }) {
  const keys = useKeys(desk);
  const { prompt, tokens } = desk.text.value;
  const topic = desk.topic.value.info as PatternsTopic | null;
  return (
    <div class="root" tabIndex={0} role="group" aria-label="Attention patterns" onKeyDown={keys}>
      <header>
        <Heading desk={desk} />
        <p class="quiet probe" data-cw="probe" title={prompt}>
          {prompt || "\u00a0"}
        </p>
        <Progress desk={desk} />
        <Notice desk={desk} />
      </header>
      <div class="panels one">
        <HeadPanel desk={desk}>
          {tokens.length > 0 ? (
            <Pattern desk={desk} head={desk.head.value} title="on the first prompt" stripe={null} />
          ) : (
            <Ranking desk={desk} />
          )}
        </HeadPanel>
      </div>
      {topic && <GalleryPanel desk={desk} topic={topic} />}
      <Foot desk={desk} />
    </div>
  );
}

export default module(Patterns);
