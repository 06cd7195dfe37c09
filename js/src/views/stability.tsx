// Stability: is it the same circuit in other models, and at other steps of a training.
import { useEffect, useMemo } from "preact/hooks";
import { module } from "../hosts/live";
import type { Session } from "../model/session";
import style from "../styles/stability.css";
import { ViewFrame } from "./frame/ViewFrame";
import { Models } from "./stability/Models";
import { readModels } from "./stability/models-rows";
import { Training } from "./stability/Training";
import { readTraining } from "./stability/training-rows";

export function Stability({ session }: { session: Session }) {
  const topic = session.topic.value;
  const [training, models] = useMemo(
    () => (topic?.kind === "stability" ? [readTraining(topic), readModels(topic)] : [null, null]),
    [topic],
  );
  const rows = training ?? models;
  // Nobody knows yet how many layers and heads there are.
  useEffect(() => {
    if (!rows) session.commands.limit(["help", "back"]);
  }, [session, rows]);
  const through = training ? "through training" : `in ${models?.members.name.length ?? 0} models`;
  return (
    <ViewFrame
      session={session}
      name="stability"
      label="Stability"
      top={
        rows ? <h3>{`The circuit for ${rows.task.replaceAll("_", " ")} ${through}`}</h3> : <span />
      }
    >
      {training && <Training session={session} rows={training} />}
      {models && <Models session={session} rows={models} />}
    </ViewFrame>
  );
}

export default module(Stability, style);
