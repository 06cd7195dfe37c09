// Which colours and fonts a picture has here: those of the notebook around it, light or dark.
import { type Colour, hex, over, parseColour, type Rgb, toLab } from "./oklab";

export interface Theme {
  dark: boolean;
  page: string;
  ink: string;
  muted: string;
  line: string;
  faint: string;
  /** The selection, and nothing else. */
  accent: string;
  /** Marks of what chance alone would give. */
  chance: string;
  mono: string;
  sans: string;
}

const LIGHT_PAGE = "#ffffff";
const DARK_PAGE = "#14181d";
const LIGHT_INK = "#1b1f24";
const DARK_INK = "#e8eaed";
// Each is at least 3:1 against its page and against the far end of its ramp, 4.5:1 (small text)
// against the page. A brighter orange on dark would be lost next to a near-white cell.
const LIGHT_ACCENT = "#d2460f";
const DARK_ACCENT = "#ea601b";
const SANS = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
const MONO = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace';
/** Between a dark page and a light one, in OKLab lightness. */
const DARK_BELOW = 0.6;

// VS Code is asked before Jupyter: its widget renderer also brings ipywidgets' own light --jp-*
// values, whatever the editor's theme is, while no Jupyter front end defines --vscode-*.
const variables = (page: string, ink: string): string => `
  --cw-page: var(--vscode-editor-background, var(--jp-layout-color0, ${page}));
  --cw-ink: var(--vscode-editor-foreground, var(--jp-ui-font-color1, ${ink}));`;

/** Defines the --cw-* variables on a shadow host. */
export const themeCss: string = `
:host {${variables(LIGHT_PAGE, LIGHT_INK)}
  --cw-muted: var(--vscode-descriptionForeground, var(--jp-ui-font-color2,
    color-mix(in srgb, var(--cw-ink) 66%, var(--cw-page))));
  --cw-line: var(--vscode-contrastBorder, var(--vscode-widget-border, var(--jp-border-color2,
    color-mix(in srgb, var(--cw-ink) 13%, var(--cw-page)))));
  --cw-faint: color-mix(in srgb, var(--cw-ink) 5%, var(--cw-page));
  --cw-accent: #df5310;
  --cw-sans: var(--vscode-font-family, var(--jp-ui-font-family, ${SANS}));
  --cw-mono: var(--vscode-editor-font-family, var(--jp-code-font-family, ${MONO}));
}
@media (prefers-color-scheme: dark) {
  :host {${variables(DARK_PAGE, DARK_INK)}
  }
}
/* Where the page says which it is (see followPage), the system is not asked. */
:host([data-cw-page="light"]) {${variables(LIGHT_PAGE, LIGHT_INK)}
}
:host([data-cw-page="dark"]) {${variables(DARK_PAGE, DARK_INK)}
}
/* The host's page decides which orange, not the system: a dark notebook on a light desktop. */
@supports (color: oklch(from red l c h)) {
  :host {
    --cw-accent: oklch(from var(--cw-page) clamp(0.586, (${DARK_BELOW} - l) * 1000, 0.658)
      0.185 clamp(38, (${DARK_BELOW} - l) * 1000, 43));
  }
}
/* Who has the system choose colours has it choose these too; data keep their own. */
@media (forced-colors: active) {
  :host {
    --cw-page: Canvas;
    --cw-ink: CanvasText;
    --cw-muted: CanvasText;
    --cw-line: GrayText;
    --cw-faint: Canvas;
    --cw-accent: Highlight;
  }
}
/* Set by stampTheme, for scroll bars and native controls. */
:host([data-cw-theme="light"]) { color-scheme: light; }
:host([data-cw-theme="dark"]) { color-scheme: dark; }
`;

/** The theme at an element, every colour opaque and as hex. */
export function readTheme(el: Element): Theme {
  const view = el.ownerDocument.defaultView ?? window;
  const style = view.getComputedStyle(el);
  // A custom property computes to what was written (color-mix(...) and all); only a real
  // property makes the browser work it out. The probe lives for the length of this call, in the
  // shadow root where there is one: a host's own children are drawn nowhere, and have no style.
  const probe = el.ownerDocument.createElement("span");
  probe.style.display = "none";
  // In a forced-colours mode a colour that was asked for is answered with the mode's.
  probe.style.forcedColorAdjust = "none";
  (el.shadowRoot ?? el).append(probe);
  const colour = (name: string): Colour | null => {
    if (style.getPropertyValue(name).trim() === "") return null;
    probe.style.color = `var(${name})`;
    return parseColour(view.getComputedStyle(probe).color);
  };
  try {
    const page = opaquePage(el, colour("--cw-page"), view);
    const dark = isDark(page);
    const solid = (name: string, fallback: string | Rgb): string => {
      const c = colour(name) ?? (typeof fallback === "string" ? parseColour(fallback) : null);
      return hex(c ? over(c, page) : (fallback as Rgb));
    };
    const ink = solid("--cw-ink", dark ? DARK_INK : LIGHT_INK);
    const inkRgb = (parseColour(ink) as Colour).rgb;
    const mixed = (alpha: number): Rgb => over({ rgb: inkRgb, alpha }, page);
    return {
      dark,
      page: hex(page),
      ink,
      muted: solid("--cw-muted", mixed(0.66)),
      line: solid("--cw-line", mixed(0.13)),
      faint: solid("--cw-faint", mixed(0.05)),
      accent: solid("--cw-accent", dark ? DARK_ACCENT : LIGHT_ACCENT),
      chance: ink,
      mono: style.getPropertyValue("--cw-mono").trim() || MONO,
      sans: style.getPropertyValue("--cw-sans").trim() || SANS,
    };
  } finally {
    probe.remove();
  }
}

const isDark = (page: Rgb): boolean => toLab(page)[0] < DARK_BELOW;

/** `page`, or what shows through it: the ancestors' backgrounds, out of shadow roots too. */
function opaquePage(el: Element, page: Colour | null, view: Window): Rgb {
  const layers: Colour[] = [];
  let under: Colour | null = page;
  let node: Element | null = el;
  while (true) {
    if (under && under.alpha > 0) layers.push(under);
    if (under && under.alpha === 1) break;
    if (!node) {
      const system = view.matchMedia?.("(prefers-color-scheme: dark)").matches;
      layers.push(parseColour(system ? DARK_PAGE : LIGHT_PAGE) as Colour);
      break;
    }
    under = parseColour(view.getComputedStyle(node).backgroundColor);
    node = node.parentElement ?? (node.getRootNode() as Partial<ShadowRoot>).host ?? null;
  }
  return layers.reduceRight<Rgb>((below, layer) => over(layer, below), [1, 1, 1]);
}

/** Tells the native parts of a shadow host (scroll bars, selects) which theme they stand in. */
export function stampTheme(host: Element, theme: Theme): void {
  host.setAttribute("data-cw-theme", theme.dark ? "dark" : "light");
}

/** Calls `changed` in an animation frame after the theme at `el` has become another one. */
export function watchTheme(el: Element, signal: AbortSignal, changed: () => void): void {
  if (signal.aborted) return;
  const doc = el.ownerDocument;
  const view = doc.defaultView ?? window;
  let seen = JSON.stringify(readTheme(el));
  let frame = 0;
  const look = (): void => {
    frame = 0;
    const now = JSON.stringify(readTheme(el));
    if (now === seen) return;
    seen = now;
    changed();
  };
  const wake = (): void => {
    if (!frame) frame = view.requestAnimationFrame(look);
  };
  const observer = new view.MutationObserver(wake);
  // JupyterLab and Furo mark the body, VS Code its class (and writes the variables into html's
  // style), Colab and many static pages an attribute of html.
  const jupyter = ["data-jp-theme-light", "data-jp-theme-name"];
  const names = ["class", ...jupyter, "data-vscode-theme-kind", "data-theme"];
  const root = [...names, "theme", "style"];
  if (doc.body) observer.observe(doc.body, { attributes: true, attributeFilter: names });
  observer.observe(doc.documentElement, { attributes: true, attributeFilter: root });
  for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"])
    view.matchMedia(query).addEventListener("change", wake, { signal });
  // An element read before it was attached has no style yet.
  if (!el.isConnected) wake();
  signal.addEventListener(
    "abort",
    () => {
      observer.disconnect();
      if (frame) view.cancelAnimationFrame(frame);
    },
    { once: true },
  );
}
