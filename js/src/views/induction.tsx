// Induction heads: the grid of every head, of a result or while it is computed.
import type { Desk } from "../desk";
import { Foot, useKeys } from "../panels/foot";
import { HeadPanel } from "../panels/grid";
import { Ranking } from "../panels/ranking";
import { Heading, Notice, Progress } from "../panels/top";
import { module } from "./_mount";

function Induction({ desk }: { desk: Desk }) {
  const keys = useKeys(desk);
  const { prompt } = desk.text.value;
  return (
    <div class="root" tabIndex={0} role="group" aria-label="Induction heads" onKeyDown={keys}>
      <header>
        <Heading desk={desk} />
        <p class="quiet" data-cw="probe">
          {prompt || "\u00a0"}
        </p>
        <Progress desk={desk} />
        <Notice desk={desk} />
      </header>
      <div class="panels one">
        <HeadPanel desk={desk}>
          <Ranking desk={desk} />
        </HeadPanel>
      </div>
      <Foot desk={desk} />
    </div>
  );
}

export default module(Induction);
