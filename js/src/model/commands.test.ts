import { describe, expect, it, vi } from "vitest";
import { type Command, Commands } from "./commands";

function event(key: string, code: string, more: Partial<KeyboardEvent> = {}) {
  const none = { shiftKey: false, ctrlKey: false, altKey: false, metaKey: false, timeStamp: 5 };
  return { key, code, ...none, ...more };
}

function commands(...all: (Partial<Command> & { id: string })[]) {
  const made = new Commands();
  for (const command of all)
    made.add({ label: command.id, keys: [], shown: "", run: vi.fn(), ...command });
  return made;
}

describe("Commands", () => {
  const three = commands(
    { id: "next", keys: ["KeyJ"] },
    { id: "help", keys: ["?", "Shift+Slash"] },
    { id: "edit", keys: ["/", "Slash"] },
    { id: "out", keys: ["-", "Minus"] },
    { id: "cell", keys: ["Shift+ArrowLeft"] },
    { id: "head", keys: ["ArrowLeft"] },
    { id: "type", keys: [..."0123456789.", "Period"] },
  );
  const id = (...args: Parameters<typeof event>) => three.of(event(...args))?.id ?? null;

  it("finds a letter with CapsLock on, on a Cyrillic layout, and on Dvorak", () => {
    expect(id("j", "KeyJ")).toBe("next");
    expect(id("J", "KeyJ")).toBe("next");
    expect(id("о", "KeyJ")).toBe("next");
    expect(id("j", "KeyC")).toBe("next");
    expect(id("h", "KeyJ")).toBeNull();
    expect(id("J", "KeyJ", { shiftKey: true })).toBeNull();
  });

  it("finds a sign wherever the layout has it, and its place only where it means nothing", () => {
    expect(id("?", "Slash", { shiftKey: true })).toBe("help");
    expect(id("?", "Minus", { shiftKey: true })).toBe("help");
    expect(id(",", "Slash", { shiftKey: true })).toBe("help");
    expect(id(".", "Slash")).toBe("type");
    expect(id("-", "Slash")).toBe("out");
    expect(id("ю", "Period")).toBe("type");
  });

  it("tells a key from the same with Shift", () => {
    expect(id("ArrowLeft", "ArrowLeft")).toBe("head");
    expect(id("ArrowLeft", "ArrowLeft", { shiftKey: true })).toBe("cell");
  });

  it.each(["ctrlKey", "metaKey", "altKey"])("leaves chords with %s alone", (modifier) => {
    expect(id("j", "KeyJ", { [modifier]: true })).toBeNull();
  });

  it("tells what was pressed in Latin letters", () => {
    const run = vi.fn();
    const typed = commands({ id: "type", keys: ["Period", "KeyJ"], run });
    expect(typed.press(event("ю", "Period"))).toBe(true);
    expect(typed.press(event("О", "KeyJ"))).toBe(true);
    expect(run.mock.calls.map(([press]) => press.key)).toEqual([".", "j"]);
    expect(typed.press(event("x", "KeyX"))).toBe(false);
  });

  it("owns a key only while its command means something", () => {
    let on = false;
    const some = commands({ id: "a", keys: ["KeyA"], when: () => on });
    expect(some.of(event("a", "KeyA"))).toBeNull();
    expect(some.useful).toEqual([]);
    on = true;
    expect(some.press(event("a", "KeyA"))).toBe(true);
  });

  it("leaves a view those that it has a use for", () => {
    const some = commands({ id: "head.up", keys: ["KeyA"] }, { id: "help", keys: ["KeyB"] });
    some.limit(["token.", "help"]);
    expect(some.useful.map(({ id }) => id)).toEqual(["help"]);
    expect(some.of(event("a", "KeyA"))).toBeNull();
    expect([some.uses("head."), some.uses("help")]).toEqual([false, true]);
    some.limit(null);
    expect(some.useful).toHaveLength(2);
  });

  it("runs a command by its name, and takes one away again", () => {
    const run = vi.fn();
    const some = new Commands();
    const end = some.add({ id: "a", label: "a", keys: [], shown: "", run });
    expect(() => some.add({ id: "a", label: "", keys: [], shown: "", run })).toThrow(
      "two commands",
    );
    some.run("a");
    expect(run).toHaveBeenCalledTimes(1);
    end();
    expect(() => some.run("a")).toThrow("no command");
  });
});
