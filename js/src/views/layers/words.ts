// Flows, parts and levels in words.
import { exact, fixed, interval, isThere } from "../../draw/number";
import { type LayersRows, type Level, rowName } from "./rows";

/** "0.attn → 1.attn: 4.11 (95 % interval 3.30 to 4.91); by an exact run 5.51" */
export function flowSaid(rows: LayersRows, flow: number): string {
  const { source, target, strength, exact: run } = rows.flows;
  const names = [source, target].map((ends) => rows.parts.name[ends[flow] ?? 0]);
  const span = interval(strength.low?.[flow], strength.high?.[flow]);
  const ends = span ? ` (${strength.interval} ${span})` : "";
  const exactly = isThere(run[flow]) ? `; by an exact run ${fixed(run[flow])}` : "";
  return `${names.join(" → ")}: ${fixed(strength.value[flow])}${ends}${exactly}`;
}

export function partSaid(rows: LayersRows, part: number, least: number): string {
  const { source, target, strength } = rows.flows;
  const [into, out] = [target, source].map(
    (ends) =>
      Array.from(ends).filter(
        (end, flow) => end === part && Math.abs(strength.value[flow] ?? 0) > least,
      ).length,
  );
  return `${rows.parts.name[part]}: ${into} flows in, ${out} flows out`;
}

/** "layers 2 to 22; begins at 2 (95 % interval 2 to 3)" */
export function levelSaid(rows: LayersRows, { name, first, last, low, high }: Level): string {
  if (first === last) return rowName(rows, first);
  const span = name === "low" ? "" : ` (${rows.interval} ${low - 1} to ${high - 1})`;
  return `layers ${first - 1} to ${last - 1}; begins at ${first - 1}${span}`;
}

export function thresholdSaid(rows: LayersRows, least: number, count: number): string {
  const many = count === 1 ? "1 flow" : `${count.toLocaleString("en")} flows`;
  return `${exact(least, 3)}: ${many} of ${rows.nAll.toLocaleString("en")}`;
}

/** What the threshold is. */
export function boundSaid({ bound, threshold }: LayersRows, least: number): string {
  if (!isThere(bound)) return "too few prompts to tell a flow from chance";
  if (Math.abs(least - bound) <= 1e-3 * bound) return "the largest by chance";
  const asked = Math.abs(least - threshold) <= 1e-3 * threshold ? "as asked; " : "";
  return `${asked}the largest by chance is ${exact(bound, 3)}`;
}
