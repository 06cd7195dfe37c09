// What the view of several models shows: read from the topic's message.
import type { Matrix, Table, Topic } from "../../wire/blocks";
import { type Fact, readFacts } from "../../wire/rows";
import { type Members, readMembers } from "./members";

/** A number of every two models, with what belongs to it. */
export interface Pairs {
  title: string;
  about: string;
  value: Matrix;
  low: Matrix | null;
  high: Matrix | null;
  null: Matrix | null;
  nullLow: Matrix | null;
  nullHigh: Matrix | null;
  /** What chance has at most, of all pairs at once. */
  bar: Matrix | null;
}

/** What a circuit can have: heads and MLPs, or roles. */
export interface Parts {
  table: Table;
  /** In which share of the draws it is in a model's circuit; columns are models. */
  draws: Matrix;
}

export const ORDERS = ["overlap", "role_overlap", "correlation"] as const;
export type Order = (typeof ORDERS)[number];

export interface ModelsRows {
  task: string;
  metric: string;
  heldOut: boolean;
  /** Whether all models have the same heads and MLPs. */
  sameParts: boolean;
  members: Members;
  facts: Fact[];
  by: Record<Order, Pairs>;
  halves: Pairs;
  transfer: Pairs;
  /** Before it is corrected, and what that is by chance. */
  jaccard: Matrix;
  chance: Matrix;
  /** How two models were compared. */
  comparedBy: (a: number, b: number) => "edges" | "roles" | "";
  parts: Parts;
  roles: Parts;
  roleNames: readonly string[];
  roleMass: Pairs;
  /** Where in a model the heads of a role are: 0 the first layer, 1 the last. */
  roleDepth: Matrix | null;
}

export function readModels(topic: Topic): ModelsRows | null {
  const members = readMembers(topic);
  if (!members || topic.text("of") !== "models") return null;
  const [by, jaccard, chance] = [
    topic.matrix("by"),
    topic.matrix("jaccard"),
    topic.matrix("chance"),
  ];
  const [overlap, roles, correlation, halves, transfer, mass] = [
    ...ORDERS,
    ...(["halves", "transfer", "role_mass"] as const),
  ].map((name) => readPairs(topic, name));
  const [parts, roleParts] = [readParts(topic, "parts"), readParts(topic, "roles")];
  if (!by || !jaccard || !chance || !overlap || !roles || !correlation || !halves) return null;
  if (!transfer || !mass || !parts || !roleParts) return null;
  return {
    task: topic.text("task"),
    metric: topic.text("metric"),
    heldOut: topic.flag("held_out"),
    sameParts: topic.flag("same_parts"),
    ...{ members, facts: readFacts(topic), halves, transfer, jaccard, chance },
    by: { overlap, role_overlap: roles, correlation },
    comparedBy: (a, b) => (["", "edges", "roles"] as const)[by.at(a, b)] ?? "",
    ...{ parts, roles: roleParts, roleMass: mass, roleDepth: topic.matrix("role_depth") },
    roleNames: mass.value.info.cols.texts ?? [],
  };
}

function readPairs(topic: Topic, name: string): Pairs | null {
  const value = topic.matrix(name);
  if (!value) return null;
  const part = (end: string) => topic.matrix(`${name}_${end}`);
  return {
    ...{ title: value.info.title, about: value.info.about, value },
    ...{ low: part("low"), high: part("high"), null: part("null") },
    ...{ nullLow: part("null_low"), nullHigh: part("null_high"), bar: part("bar") },
  };
}

function readParts(topic: Topic, name: string): Parts | null {
  const [table, draws] = [topic.table(name), topic.matrix(`${name}_draws`)];
  return table && draws ? { table, draws } : null;
}
