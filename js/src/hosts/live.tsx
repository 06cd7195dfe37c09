// A live page: an anywidget model with a kernel behind it, and views in shadow roots.
import { effect } from "@preact/signals";
import { type ComponentType, render } from "preact";
import { css } from "../draw/color";
import { readTheme, stampTheme, themeCss, watchTheme } from "../draw/theme";
import { Session } from "../model/session";
import { Widget } from "../model/widget";
import { styles } from "../styles";
import type { Model } from "../wire/traits";
import { ownKeys } from "./keys";
import type { End, Port } from "./port";

export function livePort(model: Model, signal: AbortSignal): Port {
  // biome-ignore lint/suspicious/noExplicitAny: anywidget's own type of a listener
  const listen = (event: string, told: (...args: any[]) => void): End => {
    model.on(event as "msg:custom", told);
    const end = () => model.off(event as "msg:custom", told);
    signal.addEventListener("abort", end, { once: true });
    return end;
  };
  return {
    get: (name) => model.get(name),
    set: (name, value) => model.set(name, value),
    save: () => model.save_changes(),
    onChange: (name, changed) => listen(`change:${name}`, changed),
    onMessage: (receive) =>
      listen("msg:custom", (content: unknown, buffers: DataView[] = []) =>
        receive(content, buffers),
      ),
    // ipywidgets says so when the kernel restarts or goes away.
    onGone: (gone) => listen("comm_live_update", gone),
    send: (content) => model.send(content),
    signal,
  };
}

interface Given {
  model: Model;
  signal: AbortSignal;
}

/** An anywidget module of a view that is one component, with the styles that no other view has. */
export function module(View: ComponentType<{ session: Session }>, own = "") {
  const widgets = new Map<Model, Widget>();
  const widgetOf = ({ model, signal }: Given): Widget => {
    // anywidget hands out another wrapper each time; what is inside is the same.
    const runs = model.get("runs");
    for (const [known, widget] of widgets) if (known.get("runs") === runs) return widget;
    const widget = new Widget(livePort(model, signal));
    widgets.set(model, widget);
    signal.addEventListener("abort", () => widgets.delete(model));
    return widget;
  };
  return {
    /** One widget a model, shared by all its outputs. */
    initialize(given: Given) {
      widgetOf(given);
    },
    render({ model, el, signal }: Given & { el: HTMLElement }) {
      const host = el.ownerDocument.createElement("div");
      host.className = "cw-root";
      const shadow = host.attachShadow({ mode: "open" });
      const sheet = el.ownerDocument.createElement("style");
      sheet.textContent = themeCss + styles() + own;
      const root = el.ownerDocument.createElement("div");
      shadow.append(sheet, root);
      el.append(host);
      const session = new Session(widgetOf({ model, signal }), readTheme(host), signal);
      // For the console and the tests: what the view knows.
      Object.assign(host, { session });
      const look = () => {
        const theme = readTheme(host);
        stampTheme(host, theme);
        session.theme.value = theme;
      };
      look();
      watchTheme(host, signal, look);
      ownKeys(host, session.commands, signal);
      const paint = effect(() => {
        host.style.setProperty("--cw-data", css(session.table.value, 0.72));
      });
      render(<View session={session} />, root);
      signal.addEventListener("abort", () => {
        paint();
        render(null, root);
        host.remove();
      });
    },
  };
}
