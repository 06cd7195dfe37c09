// @vitest-environment happy-dom
import { afterEach, describe, expect, it } from "vitest";
import { Commands } from "../model/commands";
import { ownKeys } from "./keys";

const end = new AbortController();
afterEach(() => document.body.replaceChildren());

describe("keys inside a view", () => {
  const host = document.createElement("div");
  const strip = document.createElement("p");
  strip.dataset.keys = "ArrowLeft Enter";
  host.append(strip);
  document.body.append(host);
  ownKeys(host, new Commands(), end.signal);
  const owned = (given: KeyboardEventInit): boolean => {
    document.body.append(host);
    strip.dispatchEvent(new KeyboardEvent("keydown", { bubbles: true, composed: true, ...given }));
    return host.dataset.lmSuppressShortcuts === "true";
  };

  it("are kept from the notebook where the part with the focus owns them", () => {
    expect(owned({ code: "ArrowLeft", key: "ArrowLeft" })).toBe(true);
    expect(owned({ code: "ArrowUp", key: "ArrowUp" })).toBe(false);
  });

  it("are the notebook's with Ctrl", () => {
    expect(owned({ code: "Enter", key: "Enter", ctrlKey: true })).toBe(false);
    expect(owned({ code: "KeyS", key: "s", ctrlKey: true })).toBe(false);
  });
});
