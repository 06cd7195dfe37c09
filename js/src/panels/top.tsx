// The prompt, the model's name, how far the kernel is, and what went wrong.
import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Session } from "../model/session";
import { fixed } from "./number";

export function Top({ session }: { session: Session }) {
  return (
    <header>
      <Prompt session={session} />
      <Heading session={session} />
      <Progress session={session} />
      <Notice session={session} />
    </header>
  );
}

/** The model, its size, the text's. */
export function Heading({ session }: { session: Session }) {
  const { model, n_layers, n_heads, tokens, seconds } = session.text.value;
  return (
    <p class="facts" data-cw="facts">
      <b>{model}</b> <span>{`${n_layers} × ${n_heads} heads`}</span>{" "}
      {tokens.length > 0 && <span>{tokens.length} tokens</span>}{" "}
      <span>{seconds === null ? "" : `${fixed(seconds)} s`}</span>
    </p>
  );
}

function Prompt({ session }: { session: Session }) {
  const box = useRef<HTMLTextAreaElement>(null);
  const edited = useSignal(false);
  // The box follows the kernel unless somebody is writing in it.
  useSignalEffect(() => {
    const { prompt } = session.text.value;
    if (box.current && !edited.peek()) box.current.value = prompt;
  });
  useEffect(
    () =>
      session.commands.add({
        id: "prompt.edit",
        label: "edit the prompt",
        keys: ["/", "Slash"],
        shown: "/",
        run: () => box.current?.focus(),
      }),
    [session],
  );
  const can = session.text.value.live && session.client.alive.value !== "no";
  const run = () => {
    edited.value = false;
    session.run(box.current?.value ?? "");
  };
  return (
    <textarea
      ref={box}
      class="prompt"
      data-cw="prompt"
      rows={1}
      spellcheck={false}
      readOnly={!can}
      aria-label="Prompt. Enter runs the model on it, Shift and Enter starts a new line, Escape takes the edit back."
      title={can ? "Enter runs the model on this text" : "Needs the kernel"}
      onInput={() => {
        edited.value = true;
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
          event.preventDefault();
          if (can) run();
        } else if (event.key === "Escape") {
          edited.value = false;
          event.currentTarget.value = session.text.value.prompt;
          event.currentTarget.blur();
        }
      }}
    />
  );
}

/** Always two pixels high: nothing moves when it starts or ends. */
export function Progress({ session }: { session: Session }) {
  const { state, done, total } = session.status.value;
  const running = state === "running" && session.client.alive.value !== "no";
  return (
    <div
      class="progress"
      data-cw="progress"
      role="progressbar"
      aria-label="Progress"
      aria-valuemin={0}
      aria-valuemax={total}
      aria-valuenow={done}
      style={{ visibility: running ? "visible" : "hidden" }}
    >
      <i style={{ width: `${total > 0 ? (100 * done) / total : 0}%` }} />
    </div>
  );
}

/** One line that is always there: what is being done, or what is wrong, in a sentence. */
export function Notice({ session }: { session: Session }) {
  const { state, message } = session.status.value;
  const alive = session.client.alive.value;
  const wrong = session.complaint.value ?? (state === "failed" ? message : null);
  let said: string | null = state === "idle" ? null : message;
  if (alive === "no")
    said = "The kernel does not answer. The picture stays; run the cell again to go on.";
  else if (wrong !== null) said = wrong;
  else if (alive === "unsure") said = "Waiting for the kernel, which is busy.";
  const problem = alive === "no" || wrong !== null;
  return (
    <div class="notice" role="status" data-cw="notice" data-problem={problem}>
      <span>{said ?? "\u00a0"}</span>
      {state === "running" && alive !== "no" && (
        <button type="button" class="stop" data-cw="stop" onClick={() => session.stop()}>
          Stop
        </button>
      )}
    </div>
  );
}
