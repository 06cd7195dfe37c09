// Sets of nodes that a user named, each one node while it is folded: as words that Python reads and sets.
// "induction: 1.2, 1.3; early: 0.1, 0.mlp"

export interface Group {
  name: string;
  members: string[];
}

export function readGroups(words: string): Group[] {
  return words
    .split(";")
    .map((part) => {
      const at = part.indexOf(":");
      return { name: part.slice(0, at).trim(), members: readNames(part.slice(at + 1)) };
    })
    .filter(({ name, members }) => name !== "" && members.length > 0);
}

export function writeGroups(groups: readonly Group[]): string {
  return groups.map(({ name, members }) => `${name}: ${writeNames(members)}`).join("; ");
}

export function readNames(words: string): string[] {
  const names = words.split(",").map((name) => name.trim());
  return [...new Set(names.filter(Boolean))];
}

export function writeNames(names: readonly string[]): string {
  return names.join(", ");
}

/** With one name more, or without it. */
export function toggled(names: readonly string[], name: string): string[] {
  return names.includes(name) ? names.filter((known) => known !== name) : [...names, name];
}

/** A node is in one group: a new one takes its members out of the others, and its name from one. */
export function withGroup(groups: readonly Group[], name: string, members: string[]): Group[] {
  // These divide names from each other.
  const plain = name.replace(/[;:,→]/g, " ").trim() || freeName(groups);
  const others = groups
    .filter((group) => group.name !== plain)
    .map((group) => ({
      name: group.name,
      members: group.members.filter((member) => !members.includes(member)),
    }))
    .filter((group) => group.members.length > 0);
  return [...others, { name: plain, members }];
}

function freeName(groups: readonly Group[]): string {
  let n = 1;
  while (groups.some(({ name }) => name === `group ${n}`)) n++;
  return `group ${n}`;
}
