import { describe, expect, it } from "vitest";
import type { Message, Services } from "./jupyterlab";
import { MIME, pageOf } from "./page";

interface Said {
  code: string[];
  sessions: { path: string; ended: boolean }[];
}

/** A server whose kernel answers every code with these messages. */
function server(messages: Message[], drive = ""): { services: Services; said: Said } {
  const said: Said = { code: [], sessions: [] };
  const services: Services = {
    kernelspecs: { ready: Promise.resolve(), specs: { default: "python3" } },
    contents: { localPath: (path) => path, driveName: () => drive },
    sessions: {
      async startNew({ path }) {
        const session = { path, ended: false };
        said.sessions.push(session);
        return {
          kernel: {
            requestExecute({ code }) {
              said.code.push(code);
              const future = { onIOPub: (_: Message) => {}, done: Promise.resolve() };
              future.done = Promise.resolve().then(() => {
                for (const message of messages) future.onIOPub(message);
              });
              return future;
            },
          },
          async shutdown() {
            session.ended = true;
          },
        };
      },
    },
  };
  return { services, said };
}

const shown = (told: object): Message => ({
  header: { msg_type: "display_data" },
  content: { data: { [MIME]: told } },
});
const error = (ename: string, evalue: string): Message => ({
  header: { msg_type: "error" },
  content: { ename, evalue },
});

describe("the page of a saved result", () => {
  it("is asked of a kernel in the file's folder, which ends", async () => {
    const { services, said } = server([shown({ page: "<p>" })]);
    expect(await pageOf(services, "a/b/flow.circuit.safetensors", true)).toBe("<p>");
    expect(said.sessions).toHaveLength(1);
    expect(said.sessions[0]?.path).toMatch(/^a\/b\/flow/);
    expect(said.sessions[0]?.ended).toBe(true);
    expect(said.code[0]).toContain('show("flow.circuit.safetensors", dark=True)');
  });

  it("gets a name that is no code, whatever a file is called", async () => {
    const { services, said } = server([shown({ page: "" })]);
    await pageOf(services, 'x"); import os; ("\\', false);
    expect(said.code[0]).toContain('show("x\\"); import os; (\\"\\\\", dark=False)');
  });

  it("says why there is none", async () => {
    const path = "flow.circuit.safetensors";
    const why = (messages: Message[], drive = "") =>
      pageOf(server(messages, drive).services, path, false);
    await expect(why([shown({ error: "It is cut off." })])).rejects.toThrow("It is cut off.");
    await expect(why([error("ModuleNotFoundError", "No module named 'circuit_widgets'")]))
      .rejects //
      .toThrow("circuit_widgets is not installed for the kernel python3");
    await expect(why([error("MemoryError", "")])).rejects.toThrow("could not read the file");
    await expect(why([])).rejects.toThrow("gave no page");
    await expect(why([], "s3")).rejects.toThrow("Only files of this Jupyter server");
  });

  it("ends its kernel after an error, too", async () => {
    const { services, said } = server([error("MemoryError", "")]);
    await pageOf(services, "x", false).catch(() => {});
    expect(said.sessions[0]?.ended).toBe(true);
  });
});
