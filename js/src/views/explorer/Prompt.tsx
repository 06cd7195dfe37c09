// The prompt: Enter runs the model on it.
import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Session } from "../../model/session";

export function Prompt({ session }: { session: Session }) {
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
  const { baked } = session;
  const can = !baked && session.text.value.live && session.client.alive.value !== "no";
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
      aria-label="Prompt. Enter runs the model on it, Shift and Enter starts a new line, Escape undoes the edit."
      title={
        can
          ? "Enter runs the model on this text; Escape undoes the edit"
          : baked
            ? "Running another text needs the model: it is not included in this page"
            : "Running another text needs the kernel"
      }
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
