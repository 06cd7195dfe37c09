// The explorer: which head, what it does, what this token looks at, and the text itself.

import { module } from "../hosts/live";
import type { Session } from "../model/session";
import { BarsPanel } from "../panels/bars";
import { Foot } from "../panels/foot";
import { HeadPanel } from "../panels/grid";
import { MatrixPanel } from "../panels/matrix";
import { StripPanel } from "../panels/strip";
import { Top } from "../panels/top";

function Explorer({ session }: { session: Session }) {
  return (
    <div class="root" tabIndex={0} role="group" aria-label="Explorer">
      <Top session={session} />
      <div class="panels">
        <HeadPanel session={session} />
        <MatrixPanel session={session} />
        <BarsPanel session={session} />
      </div>
      <StripPanel session={session} />
      <Foot session={session} />
    </div>
  );
}

export default module(Explorer);
