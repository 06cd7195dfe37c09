// The page of a saved result, asked of a kernel: it reads the file (nothing in it is run) and gives
// back HTML, or why there is none, as a sentence.
import type { Message, Services, Session } from "./jupyterlab";

export const MIME = "application/vnd.circuit-widgets.page+json";

export class NoPage extends Error {}

function pythonCode(name: string, dark: boolean): string {
  // A JSON string is a Python string, whatever a file is called.
  const read = `circuit_widgets.lab.show(${JSON.stringify(name)}, dark=${dark ? "True" : "False"})`;
  return `import circuit_widgets.lab\n${read}`;
}

/** Why a kernel raised an error. */
function raised({ ename = "Error", evalue = "" }: Message["content"], kernel: string): string {
  if (ename === "ModuleNotFoundError" && evalue.includes("circuit_widgets"))
    return `circuit_widgets is not installed for the kernel ${kernel}, or is too old to open files.`;
  return `The kernel ${kernel} could not read the file. ${ename}: ${evalue}`;
}

export async function pageOf(services: Services, path: string, dark: boolean): Promise<string> {
  if (services.contents.driveName(path))
    throw new NoPage("Only files of this Jupyter server can be opened, and this one is elsewhere.");
  const local = services.contents.localPath(path);
  const name = local.slice(local.lastIndexOf("/") + 1);
  await services.kernelspecs.ready;
  const kernel = services.kernelspecs.specs?.default;
  if (!kernel) throw new NoPage("This Jupyter server has no kernel that could read the file.");
  let session: Session | null = null;
  try {
    // The kernel of a file starts in the file's folder.
    session = await services.sessions.startNew(
      { path: `${local}.view-${Date.now()}`, name, type: "file", kernel: { name: kernel } },
      // The view that the page is made of has a comm; nobody here would answer it.
      { kernelConnectionOptions: { handleComms: false } },
    );
    if (!session.kernel) throw new NoPage(`The kernel ${kernel} did not start.`);
    return await ask(session.kernel, pythonCode(name, dark), kernel);
  } finally {
    await session?.shutdown().catch(() => {});
  }
}

type Kernel = NonNullable<Session["kernel"]>;

async function ask(kernel: Kernel, code: string, name: string): Promise<string> {
  const future = kernel.requestExecute({ code, store_history: false });
  let page: string | null = null;
  let fault: string | null = null;
  future.onIOPub = ({ header, content }) => {
    if (header.msg_type === "error") fault = raised(content, name);
    const told = content.data?.[MIME] as { page?: string; error?: string } | undefined;
    if (told?.page !== undefined) page = told.page;
    if (told?.error !== undefined) fault = told.error;
  };
  await future.done;
  if (page !== null) return page;
  throw new NoPage(fault ?? `The kernel ${name} gave no page.`);
}
