// What can be done with a key, by name: the keyboard, the foot and the help read it from here.
//
// A letter or sign is what the layout types where that is Latin, else the place of the key: J works
// with CapsLock on, on Dvorak, and where the key types Cyrillic.

import { signal } from "@preact/signals";

export interface Press {
  /** What `event.key` says, in Latin letters: "j", "?", "ArrowLeft". */
  key: string;
  code: string;
  shift: boolean;
  /** In milliseconds, of the page's clock. */
  at: number;
}

export interface Command {
  id: string;
  /** What it does, as the help says it; commands of one label share a line. */
  label: string;
  /** The same in a word, where the foot names it. */
  short?: string;
  /** As `event.code` says: "ArrowLeft", "Shift+ArrowLeft", "KeyJ"; or the sign itself: "?". */
  keys: readonly string[];
  /** How the keys are shown together with those of the same label. */
  shown: string;
  /** Whether it means anything now; else the key is not ours. */
  when?: () => boolean;
  run: (press: Press) => void;
}

interface Pressed {
  key: string;
  code: string;
  shiftKey: boolean;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
  timeStamp: number;
}

export class Commands {
  #all = signal<readonly Command[]>([]);
  #limits = signal<readonly string[] | null>(null);

  /** Returns what takes it away again. */
  add(command: Command): () => void {
    if (this.#all.peek().some(({ id }) => id === command.id))
      throw new Error(`there are two commands ${command.id}`);
    this.#all.value = [...this.#all.peek(), command];
    return () => {
      this.#all.value = this.#all.peek().filter((known) => known !== command);
    };
  }

  /** A view without heads has no use for their keys: only ids that begin so are left. Null: all. */
  limit(beginnings: readonly string[] | null): void {
    this.#limits.value = beginnings;
  }

  /** Those that mean something now, in the order in which they were added. */
  get useful(): readonly Command[] {
    const limits = this.#limits.value;
    return this.#all.value.filter(
      ({ id, when }) =>
        (limits === null || limits.some((beginning) => id.startsWith(beginning))) &&
        (when === undefined || when()),
    );
  }

  /** Whether a view uses commands whose ids begin so. */
  uses(beginning: string): boolean {
    return this.useful.some(({ id }) => id.startsWith(beginning));
  }

  /** The command of a key press, or null: the key belongs to somebody else. */
  of(event: Pressed): Command | null {
    if (event.ctrlKey || event.metaKey || event.altKey) return null;
    const { useful } = this;
    const sign = useful.find(({ keys }) => keys.some((key) => isSign(key, event)));
    return sign ?? useful.find(({ keys }) => keys.some((key) => isPlace(key, event))) ?? null;
  }

  /** Runs the command of a key press; false: there is none. */
  press(event: Pressed): boolean {
    const command = this.of(event);
    command?.run({
      key: latin(event),
      code: event.code,
      shift: event.shiftKey,
      at: event.timeStamp,
    });
    return command !== null;
  }

  run(id: string): void {
    const command = this.#all.value.find((known) => known.id === id);
    if (!command) throw new Error(`there is no command ${id}`);
    command.run({ key: "", code: "", shift: false, at: 0 });
  }
}

const LETTER = /^Key([A-Z])$/;

/** "?" by what is typed, whichever keys type it. */
function isSign(key: string, event: Pressed): boolean {
  return key.length === 1 && key === event.key;
}

function isPlace(key: string, event: Pressed): boolean {
  const shift = key.startsWith("Shift+");
  const code = shift ? key.slice(6) : key;
  if (shift !== event.shiftKey) return false;
  const letter = LETTER.exec(code)?.[1];
  if (letter && /^[a-z]$/i.test(event.key)) return event.key.toUpperCase() === letter;
  // Where a layout's sign means something itself, its place means nothing else.
  if (!letter && /^[!-~]$/.test(event.key) && code !== event.code) return false;
  return code === event.code || (event.code === "" && code === event.key);
}

/** The key's own name, and the Latin sign at its place where the layout types another script. */
function latin({ key, code }: Pressed): string {
  if (/^[ -~]+$/.test(key)) return key.length === 1 ? key.toLowerCase() : key;
  const letter = LETTER.exec(code)?.[1];
  if (letter) return letter.toLowerCase();
  return code === "Period" ? "." : key;
}
