// As much of JupyterLab as the extension uses, and how a prebuilt extension gets at it: through the
// scope in which webpack's module federation shares modules. JupyterLab's own types and builder
// would be 200 packages, for a file of 4 kB.

export interface Signal<T> {
  connect(slot: (sender: unknown, args: T) => void): boolean;
}

export interface LuminoWidget {
  id: string;
  readonly node: HTMLElement;
  readonly title: { label: string; caption: string };
  readonly isDisposed: boolean;
  addClass(name: string): void;
  dispose(): void;
}

export interface Message {
  readonly header: { readonly msg_type: string };
  readonly content: {
    readonly data?: Readonly<Record<string, unknown>>;
    readonly ename?: string;
    readonly evalue?: string;
  };
}

export interface Kernel {
  requestExecute(content: { code: string; store_history: boolean }): {
    onIOPub: (message: Message) => void;
    readonly done: Promise<unknown>;
  };
}

export interface Session {
  readonly kernel: Kernel | null;
  shutdown(): Promise<void>;
}

export interface Services {
  readonly kernelspecs: {
    readonly ready: Promise<void>;
    readonly specs: { readonly default: string } | null;
  };
  readonly contents: { localPath(path: string): string; driveName(path: string): string };
  readonly sessions: {
    startNew(
      asked: { path: string; name: string; type: string; kernel: { name: string } },
      connect: { kernelConnectionOptions: { handleComms: boolean } },
    ): Promise<Session>;
  };
}

export interface Context {
  readonly path: string;
  readonly ready: Promise<void>;
  readonly fileChanged: Signal<unknown>;
}

export interface App {
  readonly serviceManager: Services;
  readonly docRegistry: {
    addFileType(type: Record<string, unknown>): unknown;
    addWidgetFactory(factory: unknown): unknown;
  };
  readonly commands: {
    addCommand(
      id: string,
      command: {
        label: string;
        caption: string;
        execute: (args: Record<string, unknown>) => Promise<unknown>;
      },
    ): unknown;
    execute(id: string, args: Record<string, unknown>): Promise<unknown>;
  };
}

export interface Palette {
  addItem(item: { command: string; category: string }): unknown;
}

/** The classes that an extension derives from; of its own copies JupyterLab would know nothing. */
export interface Modules {
  readonly Widget: new (options?: { node?: HTMLElement }) => LuminoWidget;
  readonly ABCWidgetFactory: new (options: Record<string, unknown>) => object;
  readonly DocumentWidget: new (options: {
    content: LuminoWidget;
    context: Context;
  }) => LuminoWidget;
  readonly InputDialog: {
    getText(options: { title: string; label: string }): Promise<{ value: string | null }>;
  };
  /** The token by which the list of commands is asked for. */
  readonly ICommandPalette: unknown;
}

interface Version {
  get(): Promise<() => unknown>;
  readonly loaded?: unknown;
}
export type Scope = Readonly<Record<string, Readonly<Record<string, Version>>>>;

/** A module that JupyterLab shares: the copy that is loaded already, where there are several. */
async function shared(scope: Scope, name: string): Promise<Record<string, unknown>> {
  const versions = Object.values(scope[name] ?? {});
  const version = versions.find(({ loaded }) => loaded) ?? versions[0];
  if (!version) throw new Error(`JupyterLab does not share ${name}`);
  return (await version.get())() as Record<string, unknown>;
}

export async function modules(scope: Scope): Promise<Modules> {
  const names = ["@lumino/widgets", "@jupyterlab/docregistry", "@jupyterlab/apputils"];
  const found = await Promise.all(names.map((name) => shared(scope, name)));
  return Object.assign({}, ...found.map(taken)) as Modules;
}

const TAKEN = ["Widget", "ABCWidgetFactory", "DocumentWidget", "InputDialog", "ICommandPalette"];

/** Of a module only what is used: not all of its exports are values at this time. */
function taken(module: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(TAKEN.filter((name) => name in module).map((n) => [n, module[n]]));
}
