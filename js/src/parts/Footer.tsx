// The foot of a view: the keys that are used most, and what is selected.

/** A command as the foot and the help list it. */
export interface Line {
  id: string;
  /** What it does; commands of one label share a line. */
  label: string;
  /** The same in a word: the foot names those. */
  short?: string | undefined;
  /** Its keys, as people read them. */
  shown: string;
}

interface Props {
  commands: readonly Line[];
  selected: string;
  help: () => void;
}

export function Footer({ commands, selected, help }: Props) {
  return (
    <footer>
      {byLabel(commands).map(
        ({ id, shown, short }) =>
          short !== undefined && (
            <span key={id}>
              <kbd>{shown}</kbd>{" "}
              {id === "help" ? (
                <button type="button" class="link-like" data-cw="help-button" onClick={help}>
                  {short}
                </button>
              ) : (
                short
              )}
            </span>
          ),
      )}
      <span class="selected" data-cw="selected">
        {selected}
      </span>
    </footer>
  );
}

/** The first command of each label. */
export function byLabel(commands: readonly Line[]): Line[] {
  return commands.filter(
    (command, at) => commands.findIndex(({ label }) => label === command.label) === at,
  );
}
