// The graph of routes: each edge as wide as the share of what is read that comes along it.
import type { ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { GraphItem } from "../../draw/graph-find";
import { labelText } from "../../draw/label";
import { fixed } from "../../draw/number";
import type { Theme } from "../../draw/theme";
import type { HeadAt } from "../../model/address";
import { Graph } from "../../parts/Graph";
import { flowGraph, linksOf } from "./graph";
import type { FlowRows, Path } from "./rows";

interface Props {
  rows: FlowRows;
  tokens: readonly string[];
  theme: ReadonlySignal<Theme>;
  least: number;
  path: Path | null;
  chooseHead: (head: HeadAt) => void;
  chooseToken: (token: number) => void;
}

export function Routes({ rows, tokens, theme, least, path, chooseHead, chooseToken }: Props) {
  const graph = useMemo(() => flowGraph(rows), [rows]);
  const links = useMemo(() => linksOf(graph, path), [graph, path]);
  const columns = useMemo(() => tokens.slice(0, rows.position + 1), [tokens, rows.position]);
  const { edges, nLayers } = rows;
  const token = (i: number) => `“${labelText(tokens[i] ?? "", 14).trim()}” (${i})`;
  const said = ({ kind, at }: GraphItem): string => {
    if (kind === "node") {
      const node = graph.at[at];
      if (!node) return "";
      const where = node.layer === nLayers ? "after the last layer" : `before layer ${node.layer}`;
      return `${token(node.position)}: its residual stream ${where}`;
    }
    const [layer, source, target] = [
      edges.layer[at] ?? 0,
      edges.source[at] ?? 0,
      edges.target[at] ?? 0,
    ];
    const share = `share ${fixed(edges.share[at], 3)} of the final residual stream`;
    const by = edges.by[at] ? `: ${edges.by[at]}` : "";
    if (source === target) return `layer ${layer}: stays at ${token(source)}, ${share}${by}`;
    return `layer ${layer}: ${token(source)} → ${token(target)}, ${share}${by}`;
  };
  return (
    <Graph
      name="routes"
      label="Routes from the tokens (below) through the layers to the output (above)."
      {...{ data: graph.data, theme, least, columns, said }}
      most={1}
      unit="share of the final residual stream"
      signed={false}
      column={rows.position}
      path={links}
      chooseEdge={(e) => {
        const head = edges.head[e] ?? -1;
        if (head >= 0) chooseHead([edges.layer[e] ?? 0, head]);
      }}
      chooseNode={(node) => chooseToken(graph.at[node]?.position ?? 0)}
    />
  );
}
