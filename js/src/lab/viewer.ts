// A saved result in a tab of JupyterLab: its page, in a frame that reaches nothing.
import type { Context, LuminoWidget, Modules, Services } from "./jupyterlab";
import { NoPage, pageOf } from "./page";

export const FACTORY = "Circuit view";
/** By the ending that saved results have; others by Open With. */
export const TYPES = [
  {
    name: "circuit-result",
    displayName: "Circuit result",
    extensions: [".circuit.safetensors"],
    fileFormat: "base64",
    contentType: "file",
    mimeTypes: ["application/vnd.safetensors"],
  },
  {
    name: "safetensors",
    displayName: "Safetensors",
    extensions: [".safetensors"],
    fileFormat: "base64",
    contentType: "file",
    mimeTypes: ["application/vnd.safetensors"],
  },
];

/** JupyterLab says so on the body, when its theme changes too. */
function isDark(body: HTMLElement): boolean {
  return body.dataset.jpThemeLight === "false";
}

export function fill(node: HTMLElement, services: Services, context: Context): () => void {
  const doc = node.ownerDocument;
  const said = doc.createElement("p");
  said.className = "cw-lab-said";
  node.append(said);
  let frame: HTMLIFrameElement | null = null;
  let turn = 0;

  const say = (sentence: string, role: "status" | "alert") => {
    said.hidden = sentence === "";
    said.setAttribute("role", role);
    // The words of a file are text.
    said.textContent = sentence;
  };
  const tell = () => {
    const dark = isDark(doc.body);
    frame?.contentWindow?.postMessage({ circuit_widgets: "theme", dark }, "*");
  };
  const open = async () => {
    const mine = ++turn;
    frame?.remove();
    frame = null;
    say("A kernel reads this file…", "status");
    try {
      await context.ready;
      const page = await pageOf(services, context.path, isDark(doc.body));
      if (mine !== turn) return;
      frame = doc.createElement("iframe");
      // No origin: nothing of JupyterLab is within its reach.
      frame.setAttribute("sandbox", "allow-scripts");
      frame.title = context.path;
      frame.srcdoc = page;
      frame.addEventListener("load", tell);
      node.append(frame);
      say("", "status");
    } catch (error) {
      if (mine !== turn) return;
      say(error instanceof NoPage ? error.message : `The file was not opened: ${error}`, "alert");
    }
  };
  const themes = new MutationObserver(tell);
  themes.observe(doc.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  context.fileChanged.connect(() => void open());
  void open();
  return () => {
    turn = -1;
    themes.disconnect();
  };
}

/** What JupyterLab makes a tab of such a file with. */
export function factory(lab: Modules, services: Services): object {
  class Viewer extends lab.Widget {
    #end: () => void;
    constructor(context: Context) {
      super();
      this.addClass("cw-lab");
      this.#end = fill(this.node, services, context);
    }
    override dispose(): void {
      this.#end();
      super.dispose();
    }
  }
  class Factory extends lab.ABCWidgetFactory {
    protected createNewWidget(context: Context): LuminoWidget {
      return new lab.DocumentWidget({ content: new Viewer(context), context });
    }
  }
  return new Factory({
    name: FACTORY,
    fileTypes: TYPES.map(({ name }) => name),
    defaultFor: ["circuit-result"],
    modelName: "base64",
    readOnly: true,
  });
}
