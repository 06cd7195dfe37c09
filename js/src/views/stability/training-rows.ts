// What the view of a training shows, checkpoint by checkpoint: read from the topic's message.
import type { Tile } from "../../draw/tile";
import type { HeadAt } from "../../model/address";
import type { Plane } from "../../model/planes";
import type { Estimates, Matrix, Topic } from "../../wire/blocks";
import { rows } from "../../wire/rows";
import { unpack } from "../../wire/tiles";
import { type Members, readMembers } from "./members";

export interface Phase {
  kind: string;
  first: number;
  last: number;
  /** Intervals of both ends. */
  begins: readonly [number, number];
  ends: readonly [number, number];
  support: number;
}

export interface Swap {
  role: string;
  before: number;
  after: number;
  giver: HeadAt;
  taker: HeadAt;
  leadBefore: Lead;
  leadAfter: Lead;
}

interface Lead {
  value: number;
  low: number;
  high: number;
}

/** Similarities of each checkpoint to the one before; the first has none. */
export const SIMILARITIES = ["circuit", "effects", "rank"] as const;
export type Similarity = (typeof SIMILARITIES)[number];

export interface TrainingRows {
  task: string;
  /** What the task is measured by. */
  metric: string;
  nEdges: number;
  steps: Int32Array;
  members: Members;
  loss: Estimates;
  score: Estimates;
  accuracy: Estimates;
  faithfulness: Estimates;
  similar: Record<Similarity, Estimates>;
  phases: Phase[];
  swaps: Swap[];
  /** A role's scores at a checkpoint, as a plane of all heads; `about` is of the last one. */
  planeAt: (about: Plane["about"], at: number) => Plane | null;
  /** A role's scores at every checkpoint, by head: layer by layer. */
  coursesOf: (role: string) => readonly Course[];
  /** One head's attention at a checkpoint; null: no picture was kept. */
  picture: (at: number, head: HeadAt) => Tile | null;
}

export interface Course {
  value: Float32Array;
  low: Float32Array | null;
  high: Float32Array | null;
  null: Float32Array | null;
}

export function readTraining(topic: Topic): TrainingRows | null {
  const members = readMembers(topic);
  if (!members || topic.text("of") !== "steps") return null;
  const { table } = members;
  const similar = (name: Similarity) => table.estimates(`similar_${name}`);
  const planes = new Map<string, Matrix | null>();
  const matrix = (name: string): Matrix | null => {
    if (!planes.has(name)) planes.set(name, topic.matrix(name));
    return planes.get(name) ?? null;
  };
  const row = (name: string, at: number) => {
    const found = matrix(name);
    const n = found?.info.cols.n ?? 0;
    return found ? found.values.subarray(at * n, (at + 1) * n) : null;
  };
  const column = (name: string, head: number) => {
    const found = matrix(name);
    if (!found) return null;
    return Float32Array.from({ length: found.info.rows.n }, (_, at) => found.at(at, head));
  };
  const courses = new Map<string, readonly Course[]>();
  const coursesOf = (role: string): readonly Course[] => {
    const name = `role.${role}`;
    const known = courses.get(name);
    if (known) return known;
    const made = Array.from({ length: matrix(name)?.info.cols.n ?? 0 }, (_, head) => ({
      value: column(name, head) as Float32Array,
      low: column(`${name}_low`, head),
      high: column(`${name}_high`, head),
      null: column(`${name}_null`, head),
    }));
    courses.set(name, made);
    return made;
  };
  const tiles = new Map<string, Tile | null>();
  return {
    task: topic.text("task"),
    metric: topic.text("metric"),
    nEdges: topic.number("n_edges"),
    steps: table.ints("step"),
    members,
    loss: table.estimates("loss"),
    score: table.estimates("score"),
    accuracy: table.estimates("accuracy"),
    faithfulness: table.estimates("faithfulness"),
    similar: { circuit: similar("circuit"), effects: similar("effects"), rank: similar("rank") },
    phases: rows(topic.table("phases"), (row) => ({
      kind: row.text("kind"),
      first: row.int("first"),
      last: row.int("last"),
      begins: [row.int("first_low"), row.int("first_high")] as const,
      ends: [row.int("last_low"), row.int("last_high")] as const,
      support: row.number("support"),
    })),
    swaps: rows(topic.table("swaps"), (row) => ({
      role: row.text("role"),
      before: row.int("before"),
      after: row.int("after"),
      giver: row.headHere("giver"),
      taker: row.headHere("taker"),
      leadBefore: lead("lead_before", (name) => row.number(name)),
      leadAfter: lead("lead_after", (name) => row.number(name)),
    })),
    planeAt: (about, at) => {
      const [name, value] = [`role.${about.name}`, row(`role.${about.name}`, at)];
      if (!value) return null;
      const control = about.control === null ? null : row(`${name}_null`, at);
      return {
        about,
        value,
        control,
        low: row(`${name}_low`, at),
        high: row(`${name}_high`, at),
        bar: null,
      };
    },
    coursesOf,
    picture: (at, head) => {
      const key = `${at} ${head}`;
      const known = tiles.get(key);
      if (known !== undefined) return known;
      const block = topic.pictures(`at ${at}`);
      const part = block?.info.tiles.find(({ head: [l, h] }) => l === head[0] && h === head[1]);
      const tile = block && part ? unpack(part, block.info.window, block.data) : null;
      tiles.set(key, tile);
      return tile;
    },
  };
}

function lead(name: string, read: (name: string) => number): Lead {
  return { value: read(name), low: read(`${name}_low`), high: read(`${name}_high`) };
}

/** The checkpoint that is nearest to a step. */
export function nearest(steps: ArrayLike<number>, step: number): number {
  let best = 0;
  for (let i = 1; i < steps.length; i++)
    if (Math.abs((steps[i] as number) - step) < Math.abs((steps[best] as number) - step)) best = i;
  return best;
}

/** The phase a step is in; where two meet, the unstable one. */
export function phaseAt(phases: readonly Phase[], step: number): Phase | null {
  const here = phases.filter(({ first, last }) => first <= step && step <= last);
  for (const kind of ["unstable", "stable", "absent"]) {
    const found = here.find((phase) => phase.kind === kind);
    if (found) return found;
  }
  return null;
}
