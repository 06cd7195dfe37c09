// A page without a kernel: every view that it carries, drawn where it stands.
import { Widget } from "../../model/widget";
import { type Dress, mount, type Shown, withElement } from "../mount";
import { Baked } from "./baked";
import { inflate, unpack } from "./bytes";
import { framed } from "./framed";
import { type Linked, link } from "./links";
import { PagePort } from "./port";

export type Views = Readonly<Record<string, Shown>>;

/** A style sheet that is no element: a policy that forbids inline styles does not forbid it. */
const constructed: Dress = (shadow, text) => {
  const view = shadow.ownerDocument.defaultView;
  if (!view || !("adoptedStyleSheets" in shadow)) return withElement(shadow, text);
  const sheet = new view.CSSStyleSheet();
  sheet.replaceSync(text);
  shadow.adoptedStyleSheets = [sheet];
};

/** Draws all views, and links them. Ends when each is drawn. */
export async function start(views: Views, doc: Document, signal: AbortSignal): Promise<void> {
  const places = [...doc.querySelectorAll<HTMLElement>("[data-cw-view]")];
  const drawn = await Promise.all(places.map((place) => drawAt(place, views, signal)));
  link(drawn.filter((view) => view !== null));
  if (doc.defaultView) framed(doc.defaultView, signal);
}

async function drawAt(
  place: HTMLElement,
  views: Views,
  signal: AbortSignal,
): Promise<Linked | null> {
  try {
    const unpacked = unpack(await inflate(textOf(place, "state")));
    const { bundle, baked, heads, cells } = unpacked.view;
    const shown = views[bundle];
    if (!shown) throw new Error(`there is no view ${bundle}`);
    const store = new Baked(baked, afterPaint(place));
    const port = new PagePort(unpacked, store, signal);
    const widget = new Widget(port);
    // Until now, and without a script, there is a still picture.
    for (const still of place.querySelectorAll("[data-cw-still]")) still.remove();
    mount(shown, widget, place, signal, constructed);
    return { port, heads, cells };
  } catch (error) {
    console.error("circuit_widgets: a view of this page could not be drawn:", error);
    const said = place.ownerDocument.createElement("p");
    said.textContent = `This view could not be drawn: ${String(error)}.`;
    place.append(said);
    return null;
  }
}

function textOf(place: HTMLElement, name: string): string {
  return place.querySelector(`script[data-cw-${name}]`)?.textContent ?? "";
}

/** The tiles, once the first screen is there; null where they cannot be read. */
function afterPaint(place: HTMLElement): () => Promise<DataView | null> {
  let found: Promise<DataView | null> | null = null;
  return () => {
    found ??= new Promise<void>((go) => requestAnimationFrame(() => setTimeout(go, 0)))
      .then(() => inflate(textOf(place, "tiles")))
      .catch((error) => {
        console.error("circuit_widgets: the matrices of this page could not be read:", error);
        return null;
      });
    return found;
  };
}
