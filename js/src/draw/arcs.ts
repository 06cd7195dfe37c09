// What a token looks at, drawn over the text: one calm arc to each.
import type { Theme } from "./theme";

export interface Point {
  x: number;
  y: number;
}

/** Between the middles of two tokens' top edges. `weight`: 0 to 1. */
export interface Arc {
  from: Point;
  to: Point;
  weight: number;
}

/** An arc's control points for a cubic Bézier. */
export interface Curve {
  c1: Point;
  c2: Point;
}

const MAX_RISE = 22;

/**
 * The arc stands above the higher of its two lines, taller the further it goes, up to what the
 * space between lines bears. From a lower line it climbs straight up first: it crosses the text in
 * between steeply instead of running along it.
 */
export function curve({ from, to }: Arc): Curve {
  const rise = Math.min(MAX_RISE, 7 + Math.abs(to.x - from.x) * 0.1);
  // A cubic reaches three quarters of its control points' height.
  const y = Math.min(from.y, to.y) - (rise * 4) / 3;
  // On one line the ends lean in a little, as a drawn arc does; between lines they stay upright.
  const inset = Math.abs(to.y - from.y) < 1 ? (to.x - from.x) * 0.12 : 0;
  return { c1: { x: from.x + inset, y }, c2: { x: to.x - inset, y } };
}

/** Draws over what is there: clearing is the caller's. Strong arcs come to lie on weak ones. */
export function drawArcs(ctx: CanvasRenderingContext2D, arcs: readonly Arc[], theme: Theme): void {
  ctx.save();
  ctx.strokeStyle = theme.accent;
  ctx.fillStyle = theme.accent;
  ctx.lineCap = "round";
  const drawn = arcs.filter((arc) => arc.weight > 0).sort((a, b) => a.weight - b.weight);
  for (const arc of drawn) {
    const weight = Math.min(1, arc.weight);
    const { c1, c2 } = curve(arc);
    ctx.globalAlpha = 0.25 + 0.7 * weight;
    ctx.lineWidth = 0.75 + 2 * weight;
    ctx.beginPath();
    ctx.moveTo(arc.from.x, arc.from.y);
    ctx.bezierCurveTo(c1.x, c1.y, c2.x, c2.y, arc.to.x, arc.to.y);
    ctx.stroke();
    // The end that is looked at.
    ctx.beginPath();
    ctx.arc(arc.to.x, arc.to.y, 1.25 + weight, 0, 2 * Math.PI);
    ctx.fill();
  }
  ctx.restore();
}
