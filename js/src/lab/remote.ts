// The prebuilt extension of JupyterLab and Notebook: opens a saved result as its view.
//
// JupyterLab loads this script and looks for a container of its name: `init` hands it the modules
// that it shares, `get` asks for the extension. That is all of webpack's protocol that is needed.
import type { App, Palette, Scope } from "./jupyterlab";
import { modules } from "./jupyterlab";
import style from "./lab.css";
import { FACTORY, factory, TYPES } from "./viewer";

const NAME = "circuit-widgets";
const OPEN = "circuit-widgets:open-result";

async function extension(scope: Scope): Promise<object> {
  const lab = await modules(scope);
  return {
    id: `${NAME}:results`,
    description: "Opens results that circuit_widgets saved as their views.",
    autoStart: true,
    optional: [lab.ICommandPalette],
    activate(app: App, palette: Palette | null): void {
      const sheet = document.createElement("style");
      sheet.textContent = style;
      document.head.append(sheet);
      for (const type of TYPES) app.docRegistry.addFileType(type);
      app.docRegistry.addWidgetFactory(factory(lab, app.serviceManager));
      app.commands.addCommand(OPEN, {
        label: "Open Saved Circuit Result…",
        caption: "Open a file that circuit_widgets saved as its view",
        execute: async ({ path }): Promise<unknown> => {
          const asked = { title: "Open a saved result", label: "Path of the file" };
          const at = path ?? (await lab.InputDialog.getText(asked)).value;
          if (!at) return null;
          return app.commands.execute("docmanager:open", { path: at, factory: FACTORY });
        },
      });
      palette?.addItem({ command: OPEN, category: "Circuits" });
    },
  };
}

let scope: Scope = {};
const known = window as unknown as { _JUPYTERLAB?: Record<string, unknown> };
known._JUPYTERLAB ??= {};
known._JUPYTERLAB[NAME] = {
  init(given: Scope): void {
    scope = given;
  },
  async get(): Promise<() => object> {
    const plugin = await extension(scope);
    return () => ({ __esModule: true, default: plugin });
  },
};
