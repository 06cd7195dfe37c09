// The patterns of a pair's two heads on the probe, with the diagonal where each should look.
import type { EdgeAt } from "../../model/address";
import type { Session } from "../../model/session";
import { Pattern } from "../heads/Pattern";
import type { InductionRows } from "./rows";

interface Props {
  session: Session;
  rows: InductionRows;
  edge: EdgeAt | null;
}

/** Of the pair; of the selected head where there is none. */
export function Patterns({ session, rows: { length, before }, edge }: Props) {
  const later = { back: length - 1, first: before + length };
  if (!edge)
    return (
      <Pattern
        session={session}
        head={session.head.value}
        title="on the probe"
        stripe={length > 0 ? later : null}
        fill
      />
    );
  return (
    <>
      <Pattern
        session={session}
        head={edge.sender}
        title="attends to the previous token"
        stripe={{ back: 1, first: before + 1 }}
        fill
      />
      <Pattern
        session={session}
        head={edge.receiver}
        title="attends to what followed earlier"
        stripe={later}
        fill
      />
    </>
  );
}
