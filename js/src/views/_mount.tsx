// Puts a view into a shadow root, follows the notebook's theme, and takes everything down again.
import { effect } from "@preact/signals";
import { type ComponentType, render } from "preact";
import { Desk } from "../desk";
import { css } from "../draw/color";
import { readTheme, stampTheme, themeCss, watchTheme } from "../draw/theme";
import style from "../panels/style.css";
import type { Model } from "../wire/traits";

interface Given {
  model: Model;
  signal: AbortSignal;
}

/** An anywidget module of a view that is one component of a desk. */
export function module(View: ComponentType<{ desk: Desk }>) {
  const desks = new Map<Model, Desk>();
  const deskOf = ({ model, signal }: Given): Desk => {
    // anywidget hands out another wrapper each time; what is inside is the same.
    const text = model.get("text");
    for (const [known, desk] of desks) if (known.get("text") === text) return desk;
    const desk = new Desk(model, signal, readTheme(document.body));
    desks.set(model, desk);
    signal.addEventListener("abort", () => desks.delete(model));
    return desk;
  };
  return {
    /** One desk a model, shared by all its outputs. */
    initialize(given: Given) {
      deskOf(given);
    },
    render({ model, el, signal }: Given & { el: HTMLElement }) {
      const desk = deskOf({ model, signal });
      const host = el.ownerDocument.createElement("div");
      host.className = "cw-root";
      // JupyterLab would take arrows, J and K for the notebook, before they get here.
      host.dataset.lmSuppressShortcuts = "true";
      // For the console and the tests: what the view knows.
      Object.assign(host, { desk });
      const shadow = host.attachShadow({ mode: "open" });
      const sheet = el.ownerDocument.createElement("style");
      sheet.textContent = themeCss + style;
      const root = el.ownerDocument.createElement("div");
      shadow.append(sheet, root);
      el.append(host);
      const look = () => {
        const theme = readTheme(host);
        stampTheme(host, theme);
        desk.theme.value = theme;
      };
      look();
      watchTheme(host, signal, look);
      const paint = effect(() => {
        host.style.setProperty("--cw-data", css(desk.table.value, 0.72));
      });
      render(<View desk={desk} />, root);
      signal.addEventListener("abort", () => {
        paint();
        render(null, root);
        host.remove();
      });
    },
  };
}
