// A head's attention in the failing case, beside what is usual for it.
import type { Session } from "../../model/session";
import { Pattern } from "../heads/Pattern";
import { headOf, partSaid } from "./rows";
import type { Shown } from "./state";
import { useTexts } from "./texts";

export function Patterns({ session, shown }: { session: Session; shown: Shown }) {
  const [own, usual] = useTexts(session, shown);
  const head = headOf(shown.part);
  if (!head)
    return (
      <p class="quiet" data-cw="no-pattern">
        {partSaid(shown.part)} has no attention.
      </p>
    );
  const reason = shown.live ? "" : "Pictures are kept of the heads that are out of line.";
  const beside = shown.rows.compared === "model" ? "in the reference" : "on a healthy prompt";
  const both = { session, head, stripe: null, reason, fill: true };
  return (
    <div class="side-by-side">
      <Pattern {...both} name="failing" title="in this case" of={own} />
      <Pattern {...both} name="healthy" title={beside} of={usual} />
    </div>
  );
}
