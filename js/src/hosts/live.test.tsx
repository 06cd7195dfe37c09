// Hosts that give less than anywidget does, as strict as their sources.
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fakeBoxes } from "../test/fake-box";
import { fakeView } from "../test/fake-page";
import explorer from "../views/explorer";
import { livePort } from "./live";

/** MyST's `{anywidget}` directive (myst-theme): plain JSON, and what it has not implemented throws. */
class MystModel {
  #target = new EventTarget();

  constructor(private readonly state: Record<string, unknown>) {}

  get(name: string) {
    return this.state[name];
  }

  set(key: string, value: unknown) {
    this.state[key] = value;
    this.#target.dispatchEvent(new CustomEvent(`change:${key}`, { detail: value }));
    this.#target.dispatchEvent(new CustomEvent("change", { detail: value }));
  }

  on(name: string, told: () => void) {
    this.#target.addEventListener(name, told);
  }

  off() {
    throw new Error("MystAnyModel.off not implemented yet.");
  }

  save_changes() {
    throw new Error("MystAnyModel.save_changes not implemented yet.");
  }

  send() {
    throw new Error("MystAnyModel.send not implemented yet.");
  }

  get widget_manager() {
    throw new Error("MystAnyModel.widget_manager does not exist");
  }
}

/** Base64, as JSON has bytes. */
function plain(): Record<string, unknown> {
  const { view, part } = fakeView();
  const { topic: _, picture: __, ...traits } = view.traits;
  const data = part(traits.score_data);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const state = { ...traits, score_data: btoa(String.fromCharCode(...bytes)) };
  return JSON.parse(JSON.stringify({ ...state, picture_data: undefined, topic_data: undefined }));
}

let el: HTMLElement;
beforeEach(() => {
  fakeBoxes(400, 300);
  el = document.createElement("div");
  document.body.append(el);
});
afterEach(() => {
  el.remove();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});
const root = () => el.querySelector(".cw-root")?.shadowRoot as ShadowRoot;
const part = (name: string) => root().querySelector(`[data-cw=${name}]`) as HTMLElement;

describe("a host that can only read", () => {
  it("gets a first screen from state alone, and a click selects", async () => {
    const errors = vi.spyOn(console, "error");
    const model = new MystModel(plain()) as never;
    await act(() => explorer.render({ model, el }));
    expect(part("facts").textContent).toContain("3 × 4 heads");
    expect(part("selected").textContent).toContain("selection 1.2");
    expect(part("notice").textContent).toContain("no kernel");
    const { session } = el.querySelector(".cw-root") as never;
    await act(() => (session as { moveHead: (l: number, h: number) => void }).moveHead(1, 1));
    expect(part("selected").textContent).toContain("selection 2.3");
    await new Promise((done) => setTimeout(done, 30));
    expect(errors).not.toHaveBeenCalled();
  });

  it("is drawn with nothing at all to draw", async () => {
    const model = { get: () => undefined } as never;
    await act(() => explorer.render({ model, el }));
    expect(part("facts").textContent).toContain("0 × 0 heads");
  });
});

describe("Colab's widget manager", () => {
  // googlecolab/colab-cdn-widget-manager, src/manager.ts: a message's buffers become Uint8Array there,
  // and a message without any has an empty list; anywidget hands them on as they are.
  const told = (...args: unknown[]) => {
    const listeners: ((...args: unknown[]) => void)[] = [];
    const model = { on: (_: string, listener: never) => listeners.push(listener), off() {} };
    const heard: [unknown, DataView[]][] = [];
    const port = livePort(model as never, new AbortController().signal);
    port.onMessage((content, buffers) => heard.push([content, buffers]));
    for (const listener of listeners) listener(...args);
    return heard;
  };

  it("hands on the bytes of a message as views of another kind", () => {
    const bytes = new Uint8Array([9, 1, 2, 3]);
    for (const given of [bytes, bytes.slice().buffer, new DataView(bytes.slice().buffer)]) {
      const [[content, [data]]] = told({ kind: "x" }, [given]) as [[unknown, [DataView]]];
      expect(content).toEqual({ kind: "x" });
      expect(data).toBeInstanceOf(DataView);
      expect([data.byteLength, data.getUint8(3)]).toEqual([4, 3]);
    }
    const [[, [part]]] = told({}, [bytes.subarray(1, 3)]) as [[unknown, [DataView]]];
    expect([part.byteLength, part.getUint8(0)]).toEqual([2, 1]);
  });

  it("may hand on none", () => {
    for (const none of [[], undefined, null]) expect(told({}, none)).toEqual([[{}, []]]);
  });
});
