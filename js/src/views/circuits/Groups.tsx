// Nodes that were picked, to be given a name and folded into one; and the groups that there are.
import { useRef } from "preact/hooks";
import { toggled, withGroup, writeGroups, writeNames } from "./named-sets";
import type { Shown } from "./state";

type Props = Pick<
  Shown,
  "groups" | "open" | "picked" | "setGroups" | "setOpen" | "setPicked" | "select"
>;

export function Groups({ groups, open, picked, setGroups, setOpen, setPicked, select }: Props) {
  const field = useRef<HTMLInputElement>(null);
  const fold = () => {
    const made = withGroup(groups, field.current?.value ?? "", [...picked]);
    const name = made.at(-1)?.name ?? "";
    setGroups(writeGroups(made));
    setOpen(writeNames(open.filter((other) => other !== name)));
    setPicked("");
    select(name);
  };
  return (
    <div class="groups" data-cw="groups">
      {picked.length > 0 ? (
        <span class="picked" data-cw="picked">
          <span class="quiet">picked:</span> <b>{writeNames(picked)}</b>
          <input
            ref={field}
            aria-label="Name of the group"
            placeholder="name"
            size={10}
            onKeyDown={(event) => {
              if (event.key !== "Enter" || event.isComposing) return;
              event.preventDefault();
              fold();
            }}
          />
          <button type="button" class="button" onClick={fold}>
            fold into one
          </button>
          <button type="button" class="button" onClick={() => setPicked("")}>
            pick none
          </button>
        </span>
      ) : (
        groups.length === 0 && (
          <span class="quiet">Shift and a click pick nodes; picked nodes fold into one.</span>
        )
      )}
      {groups.map(({ name, members }) => {
        const folded = !open.includes(name);
        return (
          <span class="group" key={name}>
            <button
              type="button"
              class="button"
              title={members.join(", ")}
              onClick={() => select(name)}
            >
              {name} <span class="quiet">{members.length}</span>
            </button>
            <button
              type="button"
              class="button"
              onClick={() => setOpen(writeNames(toggled(open, name)))}
            >
              {folded ? "unfold" : "fold"}
            </button>
            <button
              type="button"
              class="button"
              aria-label={`Forget the group ${name}`}
              onClick={() => {
                setGroups(writeGroups(groups.filter((group) => group.name !== name)));
                setOpen(writeNames(open.filter((other) => other !== name)));
              }}
            >
              ×
            </button>
          </span>
        );
      })}
    </div>
  );
}
