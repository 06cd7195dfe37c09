// The frame of a view, from its session. What somebody gave the view of their own, a title, a caption,
// a height, panels to hide, are parameters: Python sets them, and a saved notebook keeps them.
import type { ComponentChildren } from "preact";
import type { Selected } from "../../model/selection";
import type { Session } from "../../model/session";
import { Frame } from "../../parts/Frame";

interface Props {
  session: Session;
  /** A class of the root, for its layout. */
  name: string;
  label: string;
  /** Beside the model's name; without, the prompt. */
  top?: ComponentChildren;
  children: ComponentChildren;
}

export function ViewFrame({ session, name, label, top, children }: Props) {
  const { params, commands, help } = session;
  const { model, n_layers, n_heads, tokens, seconds, prompt } = session.text.value;
  const { state, done, total } = session.status.value;
  const running = state === "running" && session.client.alive.value !== "no";
  const height = params.number("view.height").value;
  return (
    <Frame
      name={name}
      label={label}
      title={params.choice("view.title").value}
      caption={params.choice("view.caption").value}
      hide={params.choice("view.hide").value.split(" ").filter(Boolean)}
      height={height > 0 ? height : null}
      setHeight={(height) => params.set("view.height", height ?? 0)}
      heading={{ model, layers: n_layers, heads: n_heads, tokens: tokens.length, seconds }}
      top={
        top ?? (
          <p class="quiet probe" data-cw="probe" title={prompt}>
            {prompt || "\u00a0"}
          </p>
        )
      }
      progress={running ? { done, total } : null}
      notice={noticeOf(session)}
      stop={running ? () => session.stop() : null}
      commands={commands.useful}
      help={help.value}
      setHelp={(shown) => {
        help.value = shown;
      }}
      selected={selectedInWords(commands.uses("head."), session.selection.at)}
    >
      {children}
    </Frame>
  );
}

/** What is being done, or what is wrong, in a sentence. */
function noticeOf(session: Session): { said: string; problem: boolean } {
  const { state, message } = session.status.value;
  const alive = session.client.alive.value;
  if (alive === "no")
    return {
      said: "The kernel does not answer. The picture stays; run the cell again to go on.",
      problem: true,
    };
  const wrong = session.complaint.value ?? (state === "failed" ? message : null);
  if (wrong !== null) return { said: wrong, problem: true };
  if (alive === "unsure") return { said: "Waiting for the kernel, which is busy.", problem: false };
  return { said: state === "idle" ? "" : message, problem: false };
}

/** A view without heads has selected none. */
function selectedInWords(hasHeads: boolean, { layer, head, query, key }: Selected): string {
  if (!hasHeads) return query === null ? "" : `selected position ${query}`;
  const cell = [query === null ? "" : `, query ${query}`, key === null ? "" : `, key ${key}`];
  return `selection ${layer}.${head}${cell.join("")}`;
}
