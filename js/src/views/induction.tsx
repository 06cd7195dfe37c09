// Induction heads: every head by its scores, the pairs they work in, and the trace of a prompt.
import { useMemo } from "preact/hooks";
import { module } from "../hosts/live";
import type { Session } from "../model/session";
import style from "../styles/induction.css";
import { ViewFrame } from "./frame/ViewFrame";
import { Heads } from "./induction/Heads";
import { Means } from "./induction/Means";
import { readInduction } from "./induction/rows";
import { Trace } from "./induction/Trace";

function Induction({ session }: { session: Session }) {
  const topic = session.topic.value;
  const rows = useMemo(() => topic && readInduction(topic), [topic]);
  const traced = rows !== null && rows.repeats.position.length > 0 && rows.heads.length > 0;
  return (
    <ViewFrame session={session} name="induction" label="Induction heads">
      {rows?.means ? (
        <Means session={session} rows={rows} means={rows.means} />
      ) : traced ? (
        <Trace session={session} rows={rows} />
      ) : (
        <Heads session={session} rows={rows} />
      )}
    </ViewFrame>
  );
}

export default module(Induction, style);
