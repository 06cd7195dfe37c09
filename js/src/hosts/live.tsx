// A page with an anywidget model: JupyterLab with a kernel behind it, and hosts that can only read.
import type { ComponentType } from "preact";
import type { Session } from "../model/session";
import { Widget } from "../model/widget";
import { type Model, view } from "../wire/traits";
import { mount, type Shown } from "./mount";
import type { End, Port } from "./port";

/**
 * What anywidget gives. Other hosts give less: MyST's `{anywidget}` directive has no signal, and
 * there `off`, `save_changes` and `send` throw.
 */
export interface Given {
  model: Model;
  signal?: AbortSignal;
}

/** What a host lacks is done without. */
function attempt(act: () => void): void {
  try {
    act();
  } catch (error) {
    console.debug("circuit_widgets: this page cannot do that:", error);
  }
}

export function livePort(model: Model, signal: AbortSignal): Port {
  // biome-ignore lint/suspicious/noExplicitAny: anywidget's own type of a listener
  const listen = (event: string, told: (...args: any[]) => void): End => {
    attempt(() => model.on(event as "msg:custom", told));
    const end = () => attempt(() => model.off(event as "msg:custom", told));
    signal.addEventListener("abort", end, { once: true });
    return end;
  };
  return {
    get: (name) => model.get(name),
    set: (name, value) => attempt(() => model.set(name, value)),
    save: () => attempt(() => model.save_changes()),
    onChange: (name, changed) => listen(`change:${name}`, changed),
    onMessage: (receive) =>
      listen("msg:custom", (content: unknown, buffers: unknown[] | null = []) =>
        receive(content, (buffers ?? []).map(view)),
      ),
    // ipywidgets says so when the kernel restarts or goes away.
    onGone: (gone) => listen("comm_live_update", gone),
    // One that throws is noticed by the client, at its first question.
    send: typeof model.send === "function" ? (content) => model.send(content) : null,
    idle: () => {
      // Jupyter's managers of widgets have their kernel; a widget that was saved has no line to it.
      const { kernel } = (model.widget_manager ?? {}) as { kernel?: { status?: string } | null };
      return kernel === null || kernel?.status === "idle";
    },
    baked: false,
    signal,
  };
}

/** An anywidget module of a view. `shown` is what a page without anywidget reads of it. */
export function module(View: ComponentType<{ session: Session }>, own = "") {
  const shown: Shown = { View, own };
  const widgets = new Map<Model, Widget>();
  const widgetOf = ({ model, signal = NEVER }: Given): Widget => {
    // anywidget hands out another wrapper each time; what is inside is the same.
    const runs = model.get("runs");
    for (const [known, widget] of widgets) if (known.get("runs") === runs) return widget;
    const widget = new Widget(livePort(model, signal));
    widgets.set(model, widget);
    signal.addEventListener("abort", () => widgets.delete(model));
    return widget;
  };
  return {
    shown,
    /** One widget a model, shared by all its outputs. */
    initialize(given: Given) {
      widgetOf(given);
    },
    render({ model, el, signal = NEVER }: Given & { el: HTMLElement }) {
      mount(shown, widgetOf({ model, signal }), el, signal);
    },
  };
}

const NEVER = new AbortController().signal;
