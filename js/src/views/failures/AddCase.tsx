// A case of one's own: a prompt, and the token that should follow it.
import { useEffect, useRef } from "preact/hooks";
import type { Session } from "../../model/session";
import type { Shown } from "./state";

export function AddCase({ session, shown }: { session: Session; shown: Shown }) {
  const [prompt, expected] = [useRef<HTMLInputElement>(null), useRef<HTMLInputElement>(null)];
  const { live, why, rows } = shown;
  // Most models' words begin with their space, and a word without it is another token.
  const spaced = rows.cases.expected.some((token) => token.startsWith(" "));
  useEffect(
    () =>
      session.commands.add({
        id: "case.add",
        ...{ label: "type a case", keys: ["/", "Slash"], shown: "/" },
        run: () => prompt.current?.focus(),
      }),
    [session],
  );
  const add = () => {
    const asked = { prompt: prompt.current?.value ?? "", expected: expected.current?.value ?? "" };
    if (live) session.wish({ kind: "case", ...asked });
  };
  const keys = (event: KeyboardEvent) => {
    if (event.key === "Escape") (event.currentTarget as HTMLElement).blur();
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    add();
  };
  return (
    <div class="add" role="group" aria-label="Add a case">
      <input
        ref={prompt}
        class="field"
        data-cw="add-prompt"
        aria-label="Prompt of a new case"
        placeholder="prompt of a new case"
        spellcheck={false}
        disabled={!live}
        onKeyDown={keys}
      />
      <input
        ref={expected}
        class="field"
        data-cw="add-expected"
        aria-label={`The token that should follow${spaced ? ", with its leading space" : ""}`}
        title={spaced ? "One token, with its leading space if it has one" : "One token"}
        placeholder="expected"
        spellcheck={false}
        size={9}
        disabled={!live}
        onKeyDown={keys}
      />
      <button type="button" class="button" data-cw="add" disabled={!live} onClick={add}>
        Add
      </button>
      {!live && (
        <p class="quiet" data-cw="why-not">
          {why || "Wait until the cases have been looked into."}
        </p>
      )}
    </div>
  );
}
