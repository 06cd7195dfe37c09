// What the failure browser shows, as typed columns: read from the topic's message.
import { type HeadAt, parseHead } from "../../model/address";
import type { Matrix, Table, Topic } from "../../wire/blocks";
import { rows } from "../../wire/rows";

/** A way to fail, or a fix: its word in Python, and what it means. */
export interface Named {
  name: string;
  label: string;
  about: string;
  /** Of a fix: whether it is of heads only. */
  headsOnly: boolean;
}

/** Columns, one value a case. */
export interface Cases {
  n: number;
  prompt: readonly string[];
  expected: readonly string[];
  predicted: readonly string[];
  /** Probabilities after the prompt, and of the expected token in the reference. */
  pExpected: Float32Array;
  pPredicted: Float32Array;
  pHealthy: Float32Array;
  type: readonly string[];
  score: Float32Array;
  /** The second type, and by how much it is behind; "" and NaN: there is none. */
  second: readonly string[];
  margin: Float32Array;
  /** The part that stands out most; "": none does. */
  part: readonly string[];
  diagnosis: readonly string[];
  /** 1: typed in this view. */
  added: Uint8Array;
}

/** A part that was looked into in one case: it is out of line, or changing it promises much. */
export interface Part {
  case: number;
  name: string;
  type: string;
  z: number;
  q: number;
  /** What is measured, here and in the reference. */
  said: string;
}

/** A fix that was tried on a part in one case. */
export interface Tried {
  case: number;
  part: string;
  fix: string;
  /** The share of what was lost that came back, and the most that the same change of others brings. */
  back: number;
  control: number;
  controlAbout: string;
  /** The answer with it. */
  pExpected: number;
  predicted: string;
  pPredicted: number;
  helped: boolean;
  /** By a click, not by the analysis. */
  byHand: boolean;
}

/** A fix that was found on one case, on the others. */
export interface Transfer {
  part: string;
  fix: string;
  back: number;
  low: number;
  high: number;
  interval: string;
  control: number;
  said: string;
}

export interface FailureRows {
  /** "model": with a healthy one; "prompts": with prompts that the model gets right. */
  compared: string;
  reference: string;
  nHealthy: number;
  /** Of q: parts up to it are out of line. */
  threshold: number;
  /** Why nothing can be tried; "": it can. */
  missing: string;
  cases: Cases;
  kinds: Named[];
  fixes: Named[];
  /** [case, kind]. */
  scores: Matrix | null;
  /** [case, layer * (heads + 1) + head], the MLP after the heads. */
  z: Matrix | null;
  /** Whether the model has MLPs. */
  mlps: boolean;
  parts: Part[];
  tried: Tried[];
  transfers: Transfer[];
  /** Tokens by the number of a text: of case i, 2 i is its own and 2 i + 1 the usual one. */
  texts: ReadonlyMap<number, readonly string[]>;
}

export function readFailures(topic: Topic): FailureRows | null {
  const table = topic.table("cases");
  if (!table) return null;
  const transfers = topic.table("transfers");
  const z = topic.matrix("z");
  const which = transfers?.of("back", "low")?.about ?? "";
  return {
    compared: topic.text("compared"),
    reference: topic.text("reference"),
    nHealthy: topic.number("n_healthy") || 0,
    threshold: topic.number("threshold"),
    missing: topic.text("missing"),
    cases: readCases(table),
    kinds: named(topic.table("kinds")),
    fixes: named(topic.table("interventions")),
    scores: topic.matrix("scores"),
    z,
    mlps: hasMlps(z),
    parts: rows(topic.table("parts"), (row) => ({
      case: row.int("case"),
      name: row.text("name"),
      type: row.text("type"),
      z: row.number("z"),
      q: row.number("q"),
      said: row.text("said"),
    })),
    tried: rows(topic.table("tried"), (row) => ({
      case: row.int("case"),
      part: row.text("part"),
      fix: row.text("fix"),
      back: row.number("back"),
      control: row.number("control"),
      controlAbout: row.text("control_about"),
      pExpected: row.number("p_expected"),
      predicted: row.text("predicted"),
      pPredicted: row.number("p_predicted"),
      helped: row.flag("helped"),
      byHand: row.flag("by_hand"),
    })),
    transfers: rows(transfers, (row) => ({
      part: row.text("part"),
      fix: row.text("fix"),
      back: row.number("back"),
      low: row.number("back_low"),
      high: row.number("back_high"),
      interval: which,
      control: row.number("control"),
      said: row.text("said"),
    })),
    texts: readTexts(topic.table("texts")),
  };
}

/** Before a case is looked into nobody knows. */
function hasMlps(z: Matrix | null): boolean {
  const mlps = (z?.info.cols.texts ?? []).map((name) => headOf(name) === null);
  const known = (mlp: boolean) =>
    z?.values.some((value, i) => mlps[i % mlps.length] === mlp && !Number.isNaN(value));
  return !known(false) || known(true) === true;
}

function readCases(table: Table): Cases {
  return {
    n: table.rows,
    prompt: table.texts("prompt"),
    expected: table.texts("expected"),
    predicted: table.texts("predicted"),
    pExpected: table.numbers("p_expected"),
    pPredicted: table.numbers("p_predicted"),
    pHealthy: table.numbers("p_healthy"),
    type: table.texts("type"),
    score: table.numbers("score"),
    second: table.texts("second"),
    margin: table.numbers("margin"),
    part: table.texts("part"),
    diagnosis: table.texts("diagnosis"),
    added: table.flags("added"),
  };
}

function named(table: Table | null): Named[] {
  return rows(table, (row) => ({
    name: row.text("name"),
    label: row.text("label"),
    about: row.text("about"),
    headsOnly: row.flag("heads_only"),
  }));
}

function readTexts(table: Table | null): ReadonlyMap<number, readonly string[]> {
  const found = new Map<number, string[]>();
  for (const { run, token } of rows(table, (row) => ({
    run: row.int("run"),
    token: row.text("token"),
  }))) {
    const tokens = found.get(run);
    if (tokens) tokens.push(token);
    else found.set(run, [token]);
  }
  return found;
}

/** What the table of cases is filtered by. */
export interface Filter {
  /** "": any. */
  type: string;
  layer: string;
  /** The least score of the type. */
  least: number;
}

/** The cases that pass: by type, by the layer of any part that was looked into, and by score. */
export function passing({ cases, parts }: FailureRows, filter: Filter): number[] {
  const inLayer = new Set(
    parts.filter(({ name }) => layerOf(name) === filter.layer).map((part) => part.case),
  );
  return Array.from({ length: cases.n }, (_, at) => at).filter(
    (at) =>
      (filter.type === "" || cases.type[at] === filter.type) &&
      (filter.layer === "" || inLayer.has(at)) &&
      // A score that is missing passes until one is asked for.
      (!(filter.least > 0) || (cases.score[at] ?? Number.NaN) >= filter.least),
  );
}

/** The layers of parts that were looked into in any case, in order. */
export function layersOf({ parts }: FailureRows): string[] {
  const found = new Set(parts.map(({ name }) => layerOf(name)));
  return [...found].sort((a, b) => Number(a) - Number(b));
}

/** "1.2" and "1.mlp" are in layer "1". */
export function layerOf(part: string): string {
  return part.split(".")[0] ?? "";
}

/** The head that a part is; null: it is an MLP, or none. */
export function headOf(part: string): HeadAt | null {
  return parseHead(part);
}

/** Robust z of a case, layer after layer, the MLP last where there are any; 1 for what is in line. */
export function zOf({ z, mlps, parts, threshold }: FailureRows, at: number, heads: number): Far {
  const [all, cols] = [z?.info.cols.n ?? 0, mlps ? heads + 1 : heads];
  const layers = Math.round(all / (heads + 1));
  const places = Array.from({ length: layers * cols }, (_, i) => [Math.floor(i / cols), i % cols]);
  const out = new Set(
    parts.filter((part) => part.case === at && part.q <= threshold).map(({ name }) => name),
  );
  return {
    rows: layers,
    cols,
    values: Float32Array.from(places, ([layer = 0, column = 0]) => {
      return z?.at(at, layer * (heads + 1) + column) ?? Number.NaN;
    }),
    faint: Uint8Array.from(places, ([layer = 0, column = 0]) => {
      return out.has(partAt(layer, column, heads)) ? 0 : 1;
    }),
  };
}

interface Far {
  rows: number;
  cols: number;
  values: Float32Array;
  faint: Uint8Array;
}

/** The part at a place: "1.2", "1.mlp". */
export function partAt(layer: number, column: number, heads: number): string {
  return column < heads ? `${layer}.${column}` : `${layer}.mlp`;
}

/** What people read: "1.2", "MLP 1". */
export function partSaid(part: string): string {
  return headOf(part) ? part : part ? `MLP ${layerOf(part)}` : "–";
}

export function labelOf(of: readonly Named[], name: string): string {
  return of.find((one) => one.name === name)?.label ?? name.replaceAll("_", " ");
}
