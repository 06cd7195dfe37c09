// Pairs of heads as a layered graph.
import type { GraphData } from "../../draw/graph-layout";
import { type HeadAt, nameOf, sameHead } from "../../model/address";
import type { Pairs } from "./rows";

interface PairGraph {
  data: GraphData;
  /** By node. */
  heads: readonly HeadAt[];
  /** A pair that a node is in, the first one. */
  pairOf: (node: number) => number;
}

export function pairGraph({ edges, path }: Pairs): PairGraph {
  const all = edges.flatMap(({ sender, receiver }) => [sender, receiver]);
  const heads = all.filter((head, at) => all.findIndex((other) => sameHead(other, head)) === at);
  const layers = [...new Set(heads.map(([layer]) => layer))].sort((a, b) => a - b);
  const nodeOf = (head: HeadAt) => heads.findIndex((other) => sameHead(other, head));
  const source = edges.map(({ sender }) => nodeOf(sender));
  const target = edges.map(({ receiver }) => nodeOf(receiver));
  return {
    heads,
    pairOf: (node) => edges.findIndex((_, at) => source[at] === node || target[at] === node),
    data: {
      rows: layers.map(String),
      nodes: {
        row: heads.map(([layer]) => layers.indexOf(layer)),
        label: heads.map(nameOf),
        place: null,
      },
      edges: { source, target, weight: path, label: null },
    },
  };
}
