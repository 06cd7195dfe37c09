// Attention patterns: every head's scores, and a gallery of small pictures by class.
import { useMemo } from "preact/hooks";
import { module } from "../hosts/live";
import type { Session } from "../model/session";
import { Panel } from "../parts/Frame";
import style from "../styles/patterns.css";
import { ViewFrame } from "./frame/ViewFrame";
import { HeadCard } from "./heads/HeadCard";
import { HeadPicker } from "./heads/HeadPicker";
import { Pattern } from "./heads/Pattern";
import { Ranking } from "./heads/Ranking";
import { Gallery } from "./patterns/Gallery";
import { readPatterns } from "./patterns/rows";

function Patterns({ session }: { session: Session }) {
  const { n_layers, n_heads, tokens } = session.text.value;
  const told = session.topic.value;
  const topic = useMemo(
    () => told && readPatterns(told, n_layers, n_heads),
    [told, n_layers, n_heads],
  );
  return (
    <ViewFrame session={session} name="patterns-view" label="Attention patterns">
      <div class="pattern-panels">
        <Panel name="heads" label="Heads">
          <HeadPicker session={session} fill />
        </Panel>
        <Panel name="card" label="The selected head's scores">
          <div class="scroll" tabIndex={0} role="group">
            <HeadCard session={session} />
          </div>
        </Panel>
        <Panel name="pattern" label="The selected head's attention">
          {tokens.length > 0 ? (
            <Pattern
              session={session}
              head={session.head.value}
              title="on the first prompt"
              stripe={null}
              fill
            />
          ) : (
            <Ranking session={session} />
          )}
        </Panel>
        {topic && (
          <Panel name="gallery" label="Patterns by class">
            <Gallery session={session} topic={topic} />
          </Panel>
        )}
      </div>
    </ViewFrame>
  );
}

export default module(Patterns, style);
