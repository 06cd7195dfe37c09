// A view in an element of a page, in a shadow root of its own.
import { effect } from "@preact/signals";
import { type ComponentType, render } from "preact";
import { css } from "../draw/color";
import { readTheme, stampTheme, themeCss, watchTheme } from "../draw/theme";
import { Session } from "../model/session";
import type { Widget } from "../model/widget";
import { styles } from "../styles";
import { ownKeys } from "./keys";
import { followPage } from "./said-theme";

/** A view is one component, with the styles that no other view has. */
export interface Shown {
  View: ComponentType<{ session: Session }>;
  own: string;
}

/** Gives a shadow root its styles. */
export type Dress = (shadow: ShadowRoot, sheet: string) => void;

export function withElement(shadow: ShadowRoot, text: string): void {
  const sheet = shadow.ownerDocument.createElement("style");
  sheet.textContent = text;
  shadow.append(sheet);
}

/** One output of a widget, until the signal. */
export function mount(
  { View, own }: Shown,
  widget: Widget,
  el: HTMLElement,
  signal: AbortSignal,
  dress: Dress = withElement,
): void {
  const host = el.ownerDocument.createElement("div");
  host.className = "cw-root";
  const shadow = host.attachShadow({ mode: "open" });
  dress(shadow, themeCss + styles() + own);
  const root = el.ownerDocument.createElement("div");
  shadow.append(root);
  el.append(host);
  followPage(host, signal);
  const session = new Session(widget, readTheme(host), signal);
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
}
