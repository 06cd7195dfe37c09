// Which head, the selected head's numbers, and what a view puts beside them.
import type { ComponentChildren } from "preact";
import type { Session } from "../../model/session";
import { HeadCard } from "./HeadCard";
import { HeadPicker } from "./HeadPicker";

interface Props {
  session: Session;
  children?: ComponentChildren;
}

export function HeadPanel({ session, children }: Props) {
  return (
    <section class="heads" aria-label="Heads">
      <HeadPicker session={session} />
      <HeadCard session={session} thumbnail />
      {children}
    </section>
  );
}
