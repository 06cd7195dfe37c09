// Which keys there are, and what is selected.
import { useSignal } from "@preact/signals";
import type { Desk } from "../desk";

const MAIN = [
  ["← ↑ ↓ →", "head"],
  ["J K", "token"],
  ["?", "all keys"],
] as const;
/** Keys that mean something only where there is a text. */
const OF_TEXT = new Set(["J K", "Shift + ← →", "V", "F", "C", "+ − 0", "/"]);
const ALL = [
  ["← ↑ ↓ →", "select the head beside"],
  ["1.3", "type a head's name to select it"],
  ["J K", "next and previous token"],
  ["Shift + ← →", "move along the row, cell by cell"],
  ["V", "looks at / is looked at by"],
  ["S", "next score in the grid"],
  ["F", "first token shown, dimmed, left out"],
  ["C", "colours to this head's maximum, or to 1"],
  ["+ − 0", "zoom in, out, whole"],
  ["/", "edit the prompt"],
  ["Esc", "back"],
] as const;

export function Foot({ desk }: { desk: Desk }) {
  const { layer, head, query, key } = desk.selection.value;
  const open = desk.help.value;
  const hasText = desk.text.value.tokens.length > 0;
  const useful = ([keys]: readonly [string, string]) => hasText || !OF_TEXT.has(keys);
  return (
    <footer>
      {MAIN.filter(useful).map(([keys, what]) => (
        <span key={keys}>
          <kbd>{keys}</kbd> {what}
        </span>
      ))}
      <span class="selected" data-cw="selected">
        {`selection ${layer}.${head}`}
        {query === null ? "" : `, query ${query}`}
        {key === null ? "" : `, key ${key}`}
      </span>
      {open && (
        <dl class="help" data-cw="help">
          {ALL.filter(useful).map(([keys, what]) => (
            <div key={keys}>
              <dt>
                <kbd>{keys}</kbd>
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
      )}
    </footer>
  );
}

const ARROWS: Record<string, readonly [layers: number, heads: number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};
const FIRST = ["show", "dim", "hide"] as const;
const TYPED_MS = 1500;

/** The handler of every key. True: it meant something here. */
export function useKeys(desk: Desk): (event: KeyboardEvent) => void {
  const typed = useSignal({ text: "", at: 0 });
  return (event) => {
    const target = event.composedPath()[0] as HTMLElement | undefined;
    // A field has its own use for keys.
    if (target?.matches?.("textarea, input, select")) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (press(desk, event, target, typed)) {
      event.preventDefault();
      event.stopPropagation();
    }
  };
}

function press(
  desk: Desk,
  event: KeyboardEvent,
  target: HTMLElement | undefined,
  typed: { value: { text: string; at: number } },
): boolean {
  const arrow = ARROWS[event.key];
  // What was typed wrong has been read by the time another key is pressed.
  if (arrow || event.key === "Escape") desk.complaint.value = null;
  if (arrow && event.shiftKey) return moveCell(desk, arrow);
  if (arrow) {
    desk.moveHead(...arrow);
    return true;
  }
  if (/^[0-9.]$/.test(event.key)) return typeHead(desk, event, typed);
  typed.value = { text: "", at: 0 };
  const { first, scale, score } = desk.options;
  switch (event.key) {
    case "j":
      desk.moveQuery(1);
      return true;
    case "k":
      desk.moveQuery(-1);
      return true;
    case "v":
      desk.direction.value = desk.direction.value === "from" ? "to" : "from";
      return true;
    case "s": {
      const names = desk.planes.value.map((plane) => plane.about.name);
      const next = names[(names.indexOf(score) + 1) % names.length];
      if (next) desk.set({ score: next });
      return true;
    }
    case "f":
      desk.set({ first: FIRST[(FIRST.indexOf(first) + 1) % FIRST.length] ?? "dim" });
      return true;
    case "c":
      desk.set({ scale: scale === "head" ? "shared" : "head" });
      return true;
    case "+":
    case "=":
      desk.zoomKey.value = { key: "+" };
      return true;
    case "-":
      desk.zoomKey.value = { key: "-" };
      return true;
    case "/": {
      const root = target?.getRootNode() as ShadowRoot | undefined;
      root?.querySelector<HTMLElement>(".prompt")?.focus();
      return true;
    }
    case "?":
      desk.help.value = !desk.help.value;
      return true;
    case "Escape":
      desk.help.value = false;
      desk.hover.value = null;
      return true;
  }
  return false;
}

/** "1.3": a head's name, key by key. A lone 0 is the zoom's. */
function typeHead(
  desk: Desk,
  event: KeyboardEvent,
  typed: { value: { text: string; at: number } },
): boolean {
  const late = event.timeStamp - typed.value.at > TYPED_MS;
  let text = (late ? "" : typed.value.text) + event.key;
  // After a whole name, a digit that cannot belong to it begins the next one.
  const longer = /^\d+\.(\d{2,})$/.exec(text);
  if (longer && Number(longer[1]) >= desk.text.value.n_heads) text = event.key;
  typed.value = { text, at: event.timeStamp };
  if (text === "0") desk.zoomKey.value = { key: "0" };
  const match = /^(\d+)\.(\d+)$/.exec(text);
  if (!match) return true;
  const [layer, head] = [Number(match[1]), Number(match[2])];
  const { n_layers, n_heads } = desk.text.value;
  if (layer < n_layers && head < n_heads) {
    desk.complaint.value = null;
    desk.select({ layer, head });
  } else
    desk.complaint.value = `There is no head ${text}: layers are 0 to ${n_layers - 1}, heads 0 to ${n_heads - 1}.`;
  return true;
}

/** The exact value of any cell, without a pointer. */
function moveCell(desk: Desk, [down, across]: readonly [number, number]): boolean {
  const n = desk.text.value.tokens.length;
  if (n === 0) return false;
  const at = desk.selection.value;
  const query = Math.min(n - 1, Math.max(0, (at.query ?? n - 1) + down));
  const key = Math.min(query, Math.max(0, (at.key ?? query) + across));
  desk.hover.value = null;
  desk.select({ query, key });
  return true;
}
