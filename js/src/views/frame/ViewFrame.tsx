// The frame of a view, from its session. What somebody gave the view of their own, a title, a caption,
// a height, panels to hide, is the trait `frame`: Python sets it, and a saved notebook keeps it.
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
  const { commands, help } = session;
  const { model, n_layers, n_heads, tokens, seconds, prompt, interventions, kept } =
    session.text.value;
  const { state, done, total } = session.status.value;
  const running = state === "running" && session.client.alive.value !== "no";
  const { title, caption, hide, height } = session.frame.value;
  return (
    <Frame
      name={name}
      label={label}
      title={title ?? ""}
      caption={caption ?? ""}
      hide={hide}
      height={height}
      setHeight={(height) => session.setHeight(height)}
      heading={{
        model,
        layers: n_layers,
        heads: commands.uses("head.") ? n_heads : null,
        // A notebook of an earlier version does not say it.
        fewest: kept?.length ? Math.min(...kept.map((heads) => heads.length)) : undefined,
        tokens: tokens.length,
        seconds,
        hooks: interventions,
      }}
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
      said: session.client.heard
        ? "The kernel does not answer. This is its last state; run the cell again to reconnect."
        : "There is no kernel here. This is the state that was saved.",
      problem: session.client.heard,
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
