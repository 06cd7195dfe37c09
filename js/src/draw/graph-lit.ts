// One node's edges standing out of a graph of many: for graphs that are asked for it.
import {
  drawNode,
  type GraphDrawing,
  type GraphOver,
  lineColour,
  lineDash,
  lineWidth,
  stroke,
} from "./graph";
import { edgesOf } from "./graph-find";
import { drawGraphLabels } from "./graph-labels";

/** All steps back but the edges of one node, in their own colours, and the names at their ends. */
export function drawLit(ctx: CanvasRenderingContext2D, o: GraphDrawing, over: GraphOver): void {
  const { data, layout, theme, most, signed, least } = o;
  const item = over.hover ?? over.focus;
  const at = item === null ? over.node : item.kind === "node" ? item.at : null;
  if (at === null) return;
  const edges = edgesOf(data, at, least);
  const { room } = layout;
  ctx.globalAlpha = 0.8;
  ctx.fillStyle = theme.page;
  ctx.fillRect(room.x0, 0, room.x1 - room.x0 + 40, room.y1 + 8);
  ctx.globalAlpha = 1;
  const has = new Uint8Array(data.nodes.row.length);
  has[at] = 1;
  for (const e of edges.reverse()) {
    const weight = data.edges.weight[e] ?? 0;
    ctx.strokeStyle = lineColour(weight, most, signed, theme);
    ctx.lineWidth = lineWidth(weight, o) + 0.75;
    ctx.setLineDash(lineDash(weight));
    stroke(ctx, layout.curves, 8 * e);
    has[data.edges.source[e] as number] = 1;
    has[data.edges.target[e] as number] = 1;
  }
  ctx.setLineDash([]);
  for (let i = 0; i < has.length; i++) if (has[i]) drawNode(ctx, o, i, true, 1);
  drawGraphLabels(ctx, o, has);
}
