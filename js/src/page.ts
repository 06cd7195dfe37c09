// All views in one bundle: the script of a page without a kernel, and what the widgets of a notebook
// share where one widget holds it for all (`circuit_widgets/widgets/sharing.py`).
import views from "views:all";
import { module } from "./hosts/live";
import { start, type Views } from "./hosts/page/start";

/** Anywidget modules by the view's name. */
export const modules = Object.fromEntries(
  Object.entries(views as Views).map(([name, { View, own }]) => [name, module(View, own)]),
);

if (document.querySelector("[data-cw-view]")) start(views, document, new AbortController().signal);
