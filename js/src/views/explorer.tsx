// The explorer: which head, what it does, what this token attends to, and the text itself.
import { module } from "../hosts/live";
import type { Session } from "../model/session";
import { Foot } from "../panels/foot";
import { Top } from "../panels/top";
import style from "../styles/explorer.css";
import { BarsPanel } from "./explorer/Bars";
import { MatrixPanel } from "./explorer/Matrix";
import { TextPanel } from "./explorer/Text";
import { HeadCard } from "./heads/HeadCard";
import { HeadPicker } from "./heads/HeadPicker";

function Explorer({ session }: { session: Session }) {
  const { n_layers, n_heads } = session.text.value;
  const size = { "--cw-layers": String(n_layers), "--cw-heads": String(n_heads) };
  return (
    <div class="root explorer" tabIndex={0} role="group" aria-label="Explorer">
      <Top session={session} />
      <div class="panels" style={size}>
        <section class="heads" aria-label="Heads">
          <HeadPicker session={session} fill />
        </section>
        <MatrixPanel session={session} />
        <section class="about" aria-label="The selected head's scores">
          <HeadCard session={session} />
        </section>
        <BarsPanel session={session} />
        <TextPanel session={session} />
      </div>
      <Foot session={session} />
    </div>
  );
}

export default module(Explorer, style);
