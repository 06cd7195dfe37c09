// Attention patterns: every head's scores, and a gallery of small pictures by class.

import { useMemo } from "preact/hooks";
import { module } from "../hosts/live";
import type { Session } from "../model/session";
import { Foot } from "../panels/foot";
import { GalleryPanel } from "../panels/gallery";
import { Ranking } from "../panels/ranking";
import { Heading, Notice, Progress } from "../panels/top";
import { HeadPanel } from "./heads/HeadPanel";
import { Pattern } from "./heads/Pattern";
import { readPatterns } from "./patterns/rows";

function Patterns({ session }: { session: Session }) {
  const { prompt, tokens } = session.text.value;
  const { n_layers, n_heads } = session.text.value;
  const told = session.topic.value;
  const topic = useMemo(
    () => told && readPatterns(told, n_layers, n_heads),
    [told, n_layers, n_heads],
  );
  return (
    <div class="root" tabIndex={0} role="group" aria-label="Attention patterns">
      <header>
        <Heading session={session} />
        <p class="quiet probe" data-cw="probe" title={prompt}>
          {prompt || "\u00a0"}
        </p>
        <Progress session={session} />
        <Notice session={session} />
      </header>
      <div class="panels one">
        <HeadPanel session={session}>
          {tokens.length > 0 ? (
            <Pattern
              session={session}
              head={session.head.value}
              title="on the first prompt"
              stripe={null}
            />
          ) : (
            <Ranking session={session} />
          )}
        </HeadPanel>
      </div>
      {topic && <GalleryPanel session={session} topic={topic} />}
      <Foot session={session} />
    </div>
  );
}

export default module(Patterns);
