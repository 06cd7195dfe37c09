// Which nodes read an edge: heads that share a key, and, by position, those it is carried to.
import { type CircuitRows, positionOf } from "./rows";

/** So much of a head's attention makes a position one that it carries from. */
const LEAST = 0.1;

/** The nodes that read an edge: of several heads that read as one, those in the circuit. */
export function readers(rows: CircuitRows, e: number, has: Uint8Array): number[] {
  const { edges } = rows;
  const { at, n } = placesOf(rows);
  const [first, count] = [edges.reader[e] as number, edges.shared[e] as number];
  const here = positionOf(rows, e);
  const inside: number[] = [];
  const all: number[] = [];
  for (let part = first; part < first + count; part++) {
    const own = at[part * n + here] ?? -1;
    if (own >= 0) all.push(own);
    if (n > 1 && isMoved(edges.by[e])) inside.push(...carriedTo(rows, part, here, has));
    else if (own >= 0 && has[own]) inside.push(own);
  }
  return inside.length > 0 ? inside : all;
}

const isMoved = (by: string | undefined): boolean => by === "k" || by === "v";

/** A part's nodes in the circuit that attend to a position; at least the one that does most. */
function carriedTo(rows: CircuitRows, part: number, key: number, has: Uint8Array): number[] {
  const { at, n, attention } = placesOf(rows);
  const found: number[] = [];
  let [most, best] = [-1, -1];
  for (let query = key; query < n; query++) {
    const node = at[part * n + query] ?? -1;
    if (node < 0 || !has[node]) continue;
    const share = attention.get((part * n + query) * n + key) ?? 0;
    if (share >= LEAST) found.push(node);
    if (share > most) [most, best] = [share, node];
  }
  return found.length === 0 && best >= 0 ? [best] : found;
}

interface Places {
  /** The node of each part at each position, -1: none; and how many positions there are. */
  at: Int32Array;
  n: number;
  attention: Map<number, number>;
}

const known = new WeakMap<CircuitRows, Places>();

function placesOf(rows: CircuitRows): Places {
  const there = known.get(rows);
  if (there) return there;
  const { part, position } = rows.nodes;
  const n = Math.max(1, rows.roles.length);
  const at = new Int32Array(n * (1 + part.reduce((most, each) => Math.max(most, each), -1)));
  at.fill(-1);
  for (let i = 0; i < part.length; i++) at[(part[i] ?? 0) * n + (position[i] ?? 0)] = i;
  const attention = new Map<number, number>();
  const { carried } = rows;
  for (let i = 0; carried && i < carried.part.length; i++) {
    const place = (carried.part[i] ?? 0) * n + (carried.query[i] ?? 0);
    attention.set(place * n + (carried.key[i] ?? 0), carried.attention[i] ?? 0);
  }
  const made = { at, n, attention };
  known.set(rows, made);
  return made;
}
