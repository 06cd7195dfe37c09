// The keys that every view has.
import { parseHead } from "./address";
import type { Press } from "./commands";
import type { Session } from "./session";

const FIRST = ["show", "dim", "hide"] as const;
const TYPED_MS = 1500;

export function addShortcuts(session: Session): void {
  const { commands, params } = session;
  const hasText = () => session.text.value.tokens.length > 0;
  const arrows = [
    ["up", "ArrowUp", -1, 0],
    ["down", "ArrowDown", 1, 0],
    ["left", "ArrowLeft", 0, -1],
    ["right", "ArrowRight", 0, 1],
  ] as const;
  for (const [name, key, layers, heads] of arrows)
    commands.add({
      id: `head.${name}`,
      label: "select the head beside",
      short: "head",
      keys: [key],
      shown: "← ↑ ↓ →",
      run: () => {
        session.complaint.value = null;
        session.moveHead(layers, heads);
      },
    });
  commands.add({
    id: "head.type",
    label: "type a head's name to select it",
    keys: [..."0123456789.", "Period"],
    shown: "1.3",
    run: typeHead(session),
  });
  for (const [name, key, by] of [
    ["next", "KeyJ", 1],
    ["previous", "KeyK", -1],
  ] as const)
    commands.add({
      id: `token.${name}`,
      label: "next and previous token",
      short: "token",
      keys: [key],
      shown: "J K",
      when: hasText,
      run: () => session.moveQuery(by),
    });
  for (const [name, key, down, across] of arrows)
    commands.add({
      id: `cell.${name}`,
      label: "move along the row, cell by cell",
      keys: [`Shift+${key}`],
      shown: "Shift + ← →",
      when: hasText,
      run: () => {
        session.complaint.value = null;
        session.moveCell(down, across);
      },
    });
  commands.add({
    id: "direction.turn",
    label: "attends to / is attended to by",
    keys: ["KeyV"],
    shown: "V",
    when: hasText,
    run: () => {
      session.direction.value = session.direction.value === "from" ? "to" : "from";
    },
  });
  commands.add({
    id: "score.next",
    label: "next score in the grid",
    keys: ["KeyS"],
    shown: "S",
    when: () => session.planes.value.length > 1,
    run: () => {
      const names = session.planes.value.map((plane) => plane.about.name);
      const at = names.indexOf(session.plane.value?.about.name ?? "");
      params.set("score", names[(at + 1) % names.length] as string);
    },
  });
  commands.add({
    id: "first.next",
    label: "first token: show, dim, hide",
    keys: ["KeyF"],
    shown: "F",
    when: hasText,
    run: () => {
      const at = FIRST.indexOf(params.choice("first").value);
      params.set("first", FIRST[(at + 1) % FIRST.length] as string);
    },
  });
  commands.add({
    id: "scale.turn",
    label: "colours: this head, or all heads",
    keys: ["KeyC"],
    shown: "C",
    when: hasText,
    run: () => params.set("scale", params.choice("scale").value === "head" ? "shared" : "head"),
  });
  for (const [name, key, keys] of [
    ["in", "+", ["+", "=", "Equal", "NumpadAdd"]],
    ["out", "-", ["-", "Minus", "NumpadSubtract"]],
  ] as const)
    commands.add({
      id: `zoom.${name}`,
      label: "zoom in, out, whole",
      keys,
      shown: "+ − 0",
      when: hasText,
      run: () => {
        session.zoomKey.value = { key };
      },
    });
  commands.add({
    id: "help",
    label: "all keys",
    short: "all keys",
    keys: ["?", "Shift+Slash"],
    shown: "?",
    run: () => {
      session.help.value = !session.help.value;
    },
  });
  commands.add({
    id: "back",
    label: "back",
    keys: ["Escape"],
    shown: "Esc",
    run: () => {
      session.complaint.value = null;
      session.help.value = false;
      session.hover.value = null;
    },
  });
}

/** "1.3": a head's name, key by key. A lone 0 is the zoom's. */
function typeHead(session: Session): (press: Press) => void {
  let typed = { text: "", at: Number.NEGATIVE_INFINITY };
  return ({ key, at }) => {
    const { n_layers, n_heads } = session.text.value;
    let text = (at - typed.at > TYPED_MS ? "" : typed.text) + key;
    // After a whole name, a digit that cannot belong to it begins the next one.
    const longer = /^\d+\.(\d{2,})$/.exec(text);
    if (longer && Number(longer[1]) >= n_heads) text = key;
    typed = { text, at };
    if (text === "0") session.zoomKey.value = { key: "0" };
    const head = parseHead(text);
    if (!head) return;
    if (head[0] < n_layers && head[1] < n_heads) {
      session.complaint.value = null;
      session.select({ layer: head[0], head: head[1] });
    } else
      session.complaint.value = `There is no head ${text}: layers are 0 to ${n_layers - 1}, heads 0 to ${n_heads - 1}.`;
  };
}
