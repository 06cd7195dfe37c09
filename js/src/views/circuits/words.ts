// Edges, nodes and sizes of a circuit in words.
import { grouped } from "../../draw/curves";
import { exact, fixed, interval, isThere } from "../../draw/number";
import type { Estimates } from "../../wire/blocks";
import type { CircuitGraph } from "./graph";
import { type CircuitRows, entryOf, partName, positionOf, readerName } from "./rows";

/** Names of nodes with what their positions are: "0.1@5" is "0.1 at S2". */
export function placed({ roles }: CircuitRows, names: string): string {
  return names.replace(/@(\d+)/g, (word, at) =>
    roles[at] === undefined ? word : ` at ${roles[at]}`,
  );
}

/** Several nodes: one head at several positions by these alone. "At IO · S1 · END." */
export function membersSaid(rows: CircuitRows, members: readonly number[]): string {
  const names = members.map((node) => placed(rows, rows.nodes.name[node] ?? ""));
  const parts = new Set(members.map((node) => partName(rows, node)));
  const [part] = parts;
  const at = `${part} at `;
  return parts.size === 1 && names.every((name) => name.startsWith(at))
    ? `At ${names.map((name) => name.slice(at.length)).join(" · ")}.`
    : `${names.join(", ")}.`;
}

/** An edge is told from 0 below this q. */
export const FDR = 0.05;

/** "16 of 81 edges" */
export function sizeSaid({ sizes, nAll }: CircuitRows, size: number): string {
  return `${grouped(sizes.edges[size] ?? 0)} of ${grouped(nAll)} edges`;
}

export function shareSaid({ sizes, nAll }: CircuitRows, size: number): string {
  return `${Number(((100 * (sizes.edges[size] ?? 0)) / nAll).toPrecision(2))} %`;
}

/** What a circuit does, with the random circuits beside it. */
export function curveSaid(rows: CircuitRows, size: number): string {
  const { faithfulness, without } = rows.sizes;
  if (!isThere(faithfulness.value[size]))
    return `${sizeSaid(rows, size)}: ${isMeasured(rows, size) ? "no number" : "not measured yet"}`;
  return (
    `${grouped(rows.sizes.edges[size] ?? 0)} edges: faithfulness ${estimateSaid(faithfulness, size)}` +
    `${randomSaid(faithfulness, size)}, without them ${estimateSaid(without, size)}`
  );
}

/** Why there is no faithfulness at any size; null: there is. */
export function missingSaid(rows: CircuitRows): string | null {
  if (isThere(rows.sizes.faithfulness.value.find(isThere))) return null;
  return isMeasured(rows, 0)
    ? "No number: clean minus corrupt may be 0 on these prompts, and there is no share of nothing."
    : "Not measured yet.";
}

/** All of a size is measured together. */
function isMeasured({ sizes }: CircuitRows, size: number): boolean {
  return isThere(sizes.accuracy.value[size]);
}

export function accuracySaid(rows: CircuitRows, size: number): string {
  const { accuracy } = rows.sizes;
  if (!isThere(accuracy.value[size])) return "right answers: not measured yet";
  return `right: ${estimateSaid(accuracy, size)}${randomSaid(accuracy, size)}`;
}

function estimateSaid({ value, low, high }: Estimates, at: number, which = ""): string {
  const span = [which, interval(low?.[at], high?.[at])].filter(Boolean).join(" ");
  return `${fixed(value[at])}${isThere(low?.[at]) ? ` (${span})` : ""}`;
}

function randomSaid({ null: random, nullLow, nullHigh }: Estimates, at: number): string {
  if (!isThere(random?.[at])) return "";
  const span = interval(nullLow?.[at], nullHigh?.[at]);
  return `, random circuits ${fixed(random?.[at])}${span && ` (${span})`}`;
}

/** "0.1 → 1.2 by k: 3.10 (95 % interval 2.42 to 3.77), q 0.01" */
export function edgeSaid(rows: CircuitRows, e: number): string {
  const { source, score } = rows.edges;
  const by = entryOf(rows, e);
  const from = source[e] ?? 0;
  const where = rows.roles.length > 0 ? ` at ${rows.roles[positionOf(rows, e)]}` : "";
  const name = `${partName(rows, from)} → ${readerName(rows, e)}${by && ` by ${by}`}${where}`;
  const q = score.q?.[e];
  return `${name}: ${estimateSaid(score, e, score.interval)}${isThere(q) ? `, q ${exact(q, 3)}` : ""}`;
}

export function lineSaid(rows: CircuitRows, graph: CircuitGraph, line: number): string {
  const parts = graph.lines[line]?.parts ?? [];
  const first = edgeSaid(rows, parts[0] ?? 0);
  if (parts.length < 2) return first;
  const ends = graph.lines[line];
  const both = `${graph.names[ends?.source ?? 0]} → ${graph.names[ends?.target ?? 0]}`;
  return `${placed(rows, both)}: ${parts.length} edges, the strongest ${first}`;
}

export function nodeSaid(rows: CircuitRows, graph: CircuitGraph, node: number): string {
  let [into, out] = [0, 0];
  for (const { source, target, parts } of graph.lines) {
    if (target === node) into += parts.length;
    if (source === node) out += parts.length;
  }
  const said = `${placed(rows, graph.names[node] ?? "")}: reads along ${into}, writes along ${out} edges`;
  const { effect } = rows.nodes;
  if (!isThere(effect.value[node])) return said;
  return `${said}; effect ${estimateSaid(effect, node, effect.interval)}`;
}

/** What faithfulness loses without a node; "" where that was not measured. */
export function effectSaid({ nodes: { effect } }: CircuitRows, node: number): string {
  if (!isThere(effect.value[node])) return "";
  return `without it the chosen circuit's faithfulness falls by ${estimateSaid(effect, node, effect.interval)}`;
}
