// The explorer: which head, what it does, what this token looks at, and the text itself.
import type { Desk } from "../desk";
import { BarsPanel } from "../panels/bars";
import { Foot, useKeys } from "../panels/foot";
import { HeadPanel } from "../panels/grid";
import { MatrixPanel } from "../panels/matrix";
import { StripPanel } from "../panels/strip";
import { Top } from "../panels/top";
import { module } from "./_mount";

function Explorer({ desk }: { desk: Desk }) {
  const keys = useKeys(desk);
  return (
    <div class="root" tabIndex={0} role="group" aria-label="Explorer" onKeyDown={keys}>
      <Top desk={desk} />
      <div class="panels">
        <HeadPanel desk={desk} />
        <MatrixPanel desk={desk} />
        <BarsPanel desk={desk} />
      </div>
      <StripPanel desk={desk} />
      <Foot desk={desk} />
    </div>
  );
}

export default module(Explorer);
