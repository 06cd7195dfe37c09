// What the view of flow shows, as typed columns: read from the topic's message.
import type { Fact, FlowTopic } from "../../contract.gen";
import type { HeadAt } from "../../model/address";

/** A step from a position in one layer to one in the next; no head: it stays where it is. */
export interface Step {
  layer: number;
  source: number;
  target: number;
  head: HeadAt | null;
}

export interface Path {
  /** The product of what its steps contribute: its share of what is read. */
  share: number;
  steps: Step[];
}

export interface FlowRows {
  position: number;
  target: string;
  nLayers: number;
  facts: Fact[];
  edges: {
    layer: Int32Array;
    source: Int32Array;
    target: Int32Array;
    /** Share of what is read that comes along the edge. */
    share: Float32Array;
    /** The head that carries most of it; −1: the residual stream. */
    head: Int32Array;
  };
  /** The largest share first. */
  paths: Path[];
  /** By position; NaN: not computed. */
  sources: {
    route: Float32Array;
    knockout: Float32Array;
    rollout: Float32Array;
    /** Blocking it costs more than blocking a random position. */
    confirmed: Uint8Array;
  };
}

export function readFlow(topic: FlowTopic, nLayers: number): FlowRows {
  const { edges, sources, paths } = topic;
  const n = Math.max(topic.position, ...sources.map(({ position }) => position)) + 1;
  const rows: FlowRows = {
    position: topic.position,
    target: topic.target,
    nLayers,
    facts: topic.facts,
    edges: {
      layer: Int32Array.from(edges, (edge) => edge.layer),
      source: Int32Array.from(edges, (edge) => edge.source),
      target: Int32Array.from(edges, (edge) => edge.target),
      share: Float32Array.from(edges, (edge) => edge.weight),
      head: Int32Array.from(edges, (edge) => edge.head ?? -1),
    },
    paths: paths
      .map(({ weight, steps }) => ({
        share: weight,
        steps: steps.map(({ layer, source, target, head }) => ({
          ...{ layer, source, target },
          head: head === null ? null : ([layer, head] as HeadAt),
        })),
      }))
      .sort((a, b) => b.share - a.share),
    sources: {
      route: new Float32Array(n).fill(Number.NaN),
      knockout: new Float32Array(n).fill(Number.NaN),
      rollout: new Float32Array(n).fill(Number.NaN),
      confirmed: new Uint8Array(n),
    },
  };
  for (const source of sources) {
    const at = source.position;
    rows.sources.route[at] = source.route ?? Number.NaN;
    rows.sources.knockout[at] = source.knockout ?? Number.NaN;
    rows.sources.rollout[at] = source.rollout ?? Number.NaN;
    rows.sources.confirmed[at] = source.confirmed ? 1 : 0;
  }
  return rows;
}

/** The steps of a path on which a head moves it to another position. */
export function moves({ steps }: Path): Step[] {
  return steps.filter(({ source, target, head }) => head !== null && source !== target);
}

/** The head that a path comes through last, next to the output. */
export function lastHead(path: Path | null): HeadAt | null {
  return path === null ? null : (moves(path).at(-1)?.head ?? null);
}
