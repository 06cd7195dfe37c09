// @vitest-environment happy-dom
import { signal } from "@preact/signals";
import { describe, expect, it, vi } from "vitest";
import { parseColour } from "./oklab";
import { readTheme, stampTheme, themeCss, watchTheme } from "./theme";

interface Fake {
  vars: Record<string, string>;
  background?: string;
  parent?: Fake;
  host?: Fake;
  /** It has a shadow root: what is put beside it, into the host itself, has no style. */
  shadow?: boolean;
}

/** Elements with custom properties and backgrounds, as much of a page as a theme is read from. */
function page(systemDark = false) {
  const frames: (() => void)[] = [];
  interface Observer {
    call: () => void;
    live: boolean;
    /** Attributes by the element that they are watched at. */
    at: Map<unknown, string[]>;
  }
  const observers: Observer[] = [];
  const media = new EventTarget();
  const probes = new Set<object>();
  const vars = (f: Fake | undefined): Record<string, string> =>
    f ? { ...vars(f.parent ?? f.host), ...f.vars } : {};
  const defaultView = {
    matchMedia: () => Object.assign(media, { matches: systemDark }),
    requestAnimationFrame: (f: () => void) => frames.push(f),
    cancelAnimationFrame: vi.fn(),
    MutationObserver: class {
      private entry: Observer;
      constructor(callback: () => void) {
        this.entry = { call: callback, live: true, at: new Map() };
        observers.push(this.entry);
      }
      observe(node: unknown, { attributeFilter }: { attributeFilter: string[] }): void {
        this.entry.at.set(node, attributeFilter);
      }
      disconnect(): void {
        this.entry.live = false;
      }
    },
    getComputedStyle: (node: { fake?: Fake; style?: { color: string }; at?: Fake }) => ({
      getPropertyValue: (name: string) => vars(node.fake)[name] ?? "",
      backgroundColor: node.fake?.background ?? "rgba(0, 0, 0, 0)",
      get color() {
        const name = /var\((.*)\)/.exec(node.style?.color ?? "")?.[1] ?? "";
        return vars(node.at)[name] ?? "";
      },
    }),
  };
  const ownerDocument = {
    defaultView,
    body: {},
    documentElement: {},
    createElement: () => {
      const probe = {
        style: { color: "", display: "" },
        at: undefined,
        remove: () => probes.delete(probe),
      };
      return probe;
    },
  };
  const element = (fake: Fake): Element =>
    ({
      fake,
      ownerDocument,
      isConnected: true,
      attributes: {},
      append: (probe: { at: Fake }) => {
        probe.at = fake.shadow ? { vars: {} } : fake;
        probes.add(probe);
      },
      shadowRoot: fake.shadow
        ? {
            append: (probe: { at: Fake }) => {
              probe.at = fake;
              probes.add(probe);
            },
          }
        : null,
      get parentElement() {
        return fake.parent ? element(fake.parent) : null;
      },
      getRootNode: () => (fake.host ? { host: element(fake.host) } : {}),
    }) as unknown as Element;
  return { element, frames, observers, media, probes };
}

const jupyterDark = {
  "--cw-page": "#111",
  "--cw-ink": "rgba(255, 255, 255, 0.87)",
  "--cw-line": "#424242",
  "--cw-accent": "oklch(0.656 0.185 43)",
  "--cw-mono": " Menlo, monospace",
};

describe("readTheme", () => {
  it("reads a dark notebook on a light system, every colour as opaque hex", () => {
    const { element, probes } = page(false);
    const theme = readTheme(element({ vars: jupyterDark }));
    expect(theme).toMatchObject({ dark: true, page: "#111111", ink: "#e0e0e0", line: "#424242" });
    expect(theme.mono).toBe("Menlo, monospace");
    for (const name of ["page", "ink", "muted", "line", "faint", "accent", "chance"] as const) {
      expect(theme[name]).toMatch(/^#[0-9a-f]{6}$/);
    }
    expect(probes.size).toBe(0);
  });

  it("reads a shadow host's colours inside of its root", () => {
    const { element } = page(false);
    const theme = readTheme(element({ vars: jupyterDark, shadow: true }));
    expect(theme).toMatchObject({ dark: true, page: "#111111", ink: "#e0e0e0", line: "#424242" });
  });

  it("has fallbacks for all of it", () => {
    const { element } = page(true);
    const theme = readTheme(element({ vars: {} }));
    expect(theme.dark).toBe(true);
    expect(theme.page).toBe("#14181d");
    expect(theme.sans).toContain("system-ui");
    expect(readTheme(page(false).element({ vars: {} }))).toMatchObject({
      dark: false,
      page: "#ffffff",
    });
  });

  it("looks through a transparent page, out of shadow roots, to what is behind", () => {
    const { element } = page(false);
    const body: Fake = { vars: {}, background: "rgb(0, 43, 54)" };
    const host: Fake = { vars: {}, parent: body };
    const theme = readTheme(element({ vars: { "--cw-page": "transparent" }, host }));
    expect(theme).toMatchObject({ dark: true, page: "#002b36" });
  });

  it("mixes a half transparent page with what is behind", () => {
    const { element } = page(false);
    const parent: Fake = { vars: {}, background: "#000" };
    expect(
      readTheme(element({ vars: { "--cw-page": "rgba(255, 255, 255, 0.5)" }, parent })).page,
    ).toBe("#808080");
  });

  it("keeps small text readable when it has to mix its own greys", () => {
    for (const dark of [false, true]) {
      const theme = readTheme(page(dark).element({ vars: {} }));
      expect(parseColour(theme.muted)).not.toBeNull();
      expect(theme.muted).not.toBe(theme.ink);
      expect(theme.line).not.toBe(theme.page);
    }
  });
});

describe("watchTheme", () => {
  it("tells once a frame, only of a change, and not after the end", () => {
    const { element, frames, observers } = page(false);
    const fake: Fake = { vars: {} };
    const changed = vi.fn();
    const end = new AbortController();
    watchTheme(element(fake), end.signal, changed);
    const mutate = (): void => observers[0]?.call();
    mutate();
    frames.shift()?.();
    expect(changed).not.toHaveBeenCalled(); // an attribute changed, the theme did not

    fake.vars = jupyterDark;
    mutate();
    mutate();
    expect(frames).toHaveLength(1);
    frames.shift()?.();
    expect(changed).toHaveBeenCalledTimes(1);

    end.abort();
    expect(observers[0]?.live).toBe(false);
  });

  it("follows the system's setting until its end", () => {
    const { element, frames, media } = page(false);
    const end = new AbortController();
    watchTheme(element({ vars: {} }), end.signal, () => {});
    media.dispatchEvent(new Event("change"));
    expect(frames).toHaveLength(1);
    end.abort();
    frames.length = 0;
    media.dispatchEvent(new Event("change"));
    expect(frames).toHaveLength(0);
  });

  it.each(["body", "documentElement"] as const)("follows data-theme of %s", (where) => {
    const { element, frames, observers } = page(false);
    const fake: Fake = { vars: {} };
    const el = element(fake);
    const theme = signal(readTheme(el));
    watchTheme(el, new AbortController().signal, () => {
      theme.value = readTheme(el);
    });
    fake.vars = jupyterDark;
    for (const { at, call } of observers)
      if (at.get(el.ownerDocument[where])?.includes("data-theme")) call();
    frames.shift()?.();
    expect(theme.value.dark).toBe(true);
  });

  it("does not begin after the end", () => {
    const { element, observers } = page(false);
    watchTheme(element({ vars: {} }), AbortSignal.abort(), () => {});
    expect(observers).toHaveLength(0);
  });
});

it("themeCss defines every variable that is read, VS Code before Jupyter", () => {
  for (const name of ["page", "ink", "muted", "line", "faint", "accent", "mono", "sans"]) {
    expect(themeCss).toContain(`--cw-${name}:`);
  }
  expect(themeCss).toMatch(
    /--cw-page: var\(--vscode-editor-background, var\(--jp-layout-color0, #ffffff\)\)/,
  );
});

it("stamps a host", () => {
  const setAttribute = vi.fn();
  const theme = readTheme(page(true).element({ vars: {} }));
  stampTheme({ setAttribute } as unknown as Element, theme);
  expect(setAttribute).toHaveBeenCalledWith("data-cw-theme", "dark");
});
