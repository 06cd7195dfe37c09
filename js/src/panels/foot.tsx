// Which keys there are, and what is selected.
import type { Command } from "../model/commands";
import type { Selected } from "../model/selection";
import type { Session } from "../model/session";

export function Foot({ session }: { session: Session }) {
  const lines = byLabel(session.commands.useful);
  return (
    <footer>
      {lines
        .filter(({ short }) => short !== undefined)
        .map(({ shown, short }) => (
          <span key={shown}>
            <kbd>{shown}</kbd> {short}
          </span>
        ))}
      <span class="selected" data-cw="selected">
        {said(session.commands.uses("head."), session.selection.at)}
      </span>
      {session.help.value && (
        <dl class="help" data-cw="help">
          {lines
            .filter(({ id }) => id !== "help")
            .map(({ shown, label }) => (
              <div key={shown}>
                <dt>
                  <kbd>{shown}</kbd>
                </dt>
                <dd>{label}</dd>
              </div>
            ))}
        </dl>
      )}
    </footer>
  );
}

/** What is selected; a view without heads has selected none. */
function said(hasHeads: boolean, { layer, head, query, key }: Selected): string {
  if (!hasHeads) return query === null ? "" : `selected position ${query}`;
  const cell = [query === null ? "" : `, query ${query}`, key === null ? "" : `, key ${key}`];
  return `selection ${layer}.${head}${cell.join("")}`;
}

/** The first command of each label. */
function byLabel(commands: readonly Command[]): Command[] {
  return commands.filter(
    (command, at) => commands.findIndex(({ label }) => label === command.label) === at,
  );
}
