// The explorer: which head, what it does, what this token attends to, and the text itself.
import { module } from "../hosts/live";
import type { Session } from "../model/session";
import { Panel } from "../parts/Frame";
import style from "../styles/explorer.css";
import bars from "../styles/explorer-bars.css";
import narrow from "../styles/explorer-narrow.css";
import { Bars } from "./explorer/Bars";
import { Changes } from "./explorer/Changes";
import { Matrix } from "./explorer/Matrix";
import { Prompt } from "./explorer/Prompt";
import { Text } from "./explorer/Text";
import { ViewFrame } from "./frame/ViewFrame";
import { HeadCard } from "./heads/HeadCard";
import { HeadPicker } from "./heads/HeadPicker";

function Explorer({ session }: { session: Session }) {
  return (
    <ViewFrame
      session={session}
      name="explorer"
      label="Explorer"
      top={
        <>
          <Prompt session={session} />
          <Changes session={session} />
        </>
      }
    >
      <div class="panels">
        <Panel name="heads" label="Heads">
          <HeadPicker session={session} fill />
        </Panel>
        <Panel name="matrix" label="Attention matrix">
          <Matrix session={session} />
        </Panel>
        <Panel name="scores" label="The selected head's scores">
          <HeadCard session={session} />
        </Panel>
        <Panel name="bars" label="What a token attends to, and what is predicted after it">
          <Bars session={session} />
        </Panel>
        <Panel name="text" label="The text">
          <Text session={session} />
        </Panel>
      </div>
    </ViewFrame>
  );
}

export default module(Explorer, bars + style + narrow);
