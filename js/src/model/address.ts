// How a place inside a model is named: a head, an MLP, or an edge from one head to another.
export type HeadAt = [layer: number, head: number];

export interface MlpAt {
  mlp: number;
}

export interface EdgeAt {
  sender: HeadAt;
  receiver: HeadAt;
}

export type Address = HeadAt | MlpAt | EdgeAt;

/** The name that people and Python use: "1.3", "MLP 2", "0.1 → 1.3". */
export function nameOf(address: Address): string {
  if (Array.isArray(address)) return `${address[0]}.${address[1]}`;
  if ("mlp" in address) return `MLP ${address.mlp}`;
  return `${nameOf(address.sender)} → ${nameOf(address.receiver)}`;
}

/** The head that "1.3" names, whether or not a model has it; null where it names none. */
export function parseHead(name: string): HeadAt | null {
  const match = /^(\d+)\.(\d+)$/.exec(name);
  return match ? [Number(match[1]), Number(match[2])] : null;
}

export function sameHead(a: HeadAt, b: HeadAt): boolean {
  return a[0] === b[0] && a[1] === b[1];
}

export function sameEdge(a: EdgeAt | null, b: EdgeAt | null): boolean {
  if (a === null || b === null) return a === b;
  return sameHead(a.sender, b.sender) && sameHead(a.receiver, b.receiver);
}

interface Shape {
  n_layers: number;
  n_heads: number;
}

/** Heads next to one, nearest first: those that the next key press or click most likely selects. */
export function around([layer, head]: HeadAt, { n_layers, n_heads }: Shape): HeadAt[] {
  const found: HeadAt[] = [];
  for (let reach = 1; reach < Math.max(n_layers, n_heads) && found.length < 48; reach++) {
    for (const [l, h] of [
      [layer, head + reach],
      [layer, head - reach],
      [layer + reach, head],
      [layer - reach, head],
      [layer + reach, head + reach],
      [layer - reach, head - reach],
    ] as HeadAt[]) {
      if (l >= 0 && l < n_layers && h >= 0 && h < n_heads) found.push([l, h]);
    }
  }
  return found;
}
