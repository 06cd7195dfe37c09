// What is selected in a circuit: a component, a group or a line, by the word that a parameter holds.
import { type HeadAt, nameOf } from "../../model/address";
import type { CircuitGraph } from "./graph";
import type { Group } from "./named-sets";
import { readers } from "./reading";
import { type CircuitRows, partName, writing } from "./rows";

/** The selected head, which other views share. Without a word it is shown, and nothing steps back. */
export const HEAD = "head";
const TO = " → ";

export type Subject =
  | { kind: "nodes"; name: string; members: number[]; drawn: number | null }
  | { kind: "line"; name: string; line: number };

export function lineName({ names, lines }: CircuitGraph, line: number): string {
  const ends = lines[line];
  return ends ? `${names[ends.source]}${TO}${names[ends.target]}` : "";
}

/** Null: there is no such thing at this size. */
export function subjectOf(
  word: string,
  head: HeadAt,
  rows: CircuitRows,
  graph: CircuitGraph,
  groups: readonly Group[],
): Subject | null {
  if (word.includes(TO)) {
    const [from, to] = word.split(TO).map((name) => graph.names.indexOf(name.trim()));
    const line = graph.lines.findIndex(({ source, target }) => source === from && target === to);
    return line < 0 ? null : { kind: "line", name: word, line };
  }
  const name = word === "" || word === HEAD ? nameOf(head) : word;
  const index = new Map(rows.nodes.name.map((each, i) => [each, i]));
  const group = groups.find((each) => each.name === name);
  if (group) {
    const members = group.members.flatMap((member) => index.get(member) ?? []);
    const drawn = graph.names.lastIndexOf(name);
    return { kind: "nodes", name, members, drawn: drawn < rows.nodes.name.length ? null : drawn };
  }
  const node = index.get(name);
  if (node === undefined) {
    // A head, wherever it is.
    const all = rows.nodes.name.map((_, i) => i);
    const members = all.filter((i) => partName(rows, i) === name && rows.roles.length > 0);
    return members.length > 0 ? { kind: "nodes", name, members, drawn: null } : null;
  }
  return { kind: "nodes", name, members: [node], drawn: graph.home[node] ?? null };
}

/** Edges that some nodes read from others, and write to others; in the order of `shown`. */
export function edgesOfNodes(
  rows: CircuitRows,
  shown: readonly number[],
  members: readonly number[],
): { read: number[]; written: number[] } {
  const inside = new Set(members);
  const has = writing(rows, shown);
  const reads = (e: number) => readers(rows, e, has).some((node) => inside.has(node));
  const writes = (e: number) => inside.has(rows.edges.source[e] as number);
  return {
    read: shown.filter((e) => reads(e) && !writes(e)),
    written: shown.filter((e) => writes(e) && !reads(e)),
  };
}
