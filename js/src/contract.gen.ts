// Generated from circuit_widgets/wire/messages.py by `make contract`. Do not edit.
/* biome-ignore-all lint: generated */

export const FLUSH_BYTES = 131072;
export const MAX_TEXT = 1000000;
export const MAX_REQUESTS = 64;
export const MAX_HEADS = 64;
export const MAX_SIDE = 1024;

/**
 * A push has been drawn; the kernel may send the next one.
 */
export interface Ack {
  kind: "ack";
  id: number;
  seq: number;
}

/**
 * What one animation frame of one client asks for.
 */
export interface Batch {
  client: string;
  requests: (Tiles | Cells | Column | Next | Run | Stop | Cancel | Hello | Ack)[];
}

/**
 * Forget a request that has not been answered yet.
 */
export interface Cancel {
  kind: "cancel";
  id: number;
  target: number;
}

/**
 * Exact float32 values of one head in a window; the reply may hold more rows than asked.
 */
export interface Cells {
  kind: "cells";
  id: number;
  gen: number;
  head: [number, number];
  window: [number, number, number, number];
}

/**
 * Row-major float32 of `window` at the start of the buffer.
 */
export interface CellsReply {
  kind: "cells";
  head: [number, number];
  window: [number, number, number, number];
}

/**
 * Exact float32 attention that one key receives from every query of one head.
 */
export interface Column {
  kind: "column";
  id: number;
  gen: number;
  head: [number, number];
  key: number;
}

/**
 * float32, one a query, at the start of the buffer.
 */
export interface ColumnReply {
  kind: "column";
  head: [number, number];
  key: number;
  queries: number;
}

/**
 * Two heads that act together, and how: by intervention.
 */
export interface Coordinated {
  a: [number, number];
  b: [number, number];
  value: number | null;
  q: number | null;
  type: string;
  sign: string;
  path: number | null;
  path_low: number | null;
  path_high: number | null;
  path_null_high: number | null;
  interaction: number | null;
  interaction_low: number | null;
  interaction_high: number | null;
  effect_a: number | null;
  effect_b: number | null;
  effect_ab: number | null;
}

/**
 * A matrix over heads in clustered order: float32 [n, n] of values, then of q values.
 */
export interface CoordinationTopic {
  kind: "coordination";
  method: string;
  signed: boolean;
  fdr: number;
  heads: [number, number][];
  order: number[];
  pairs: Coordinated[];
}

/**
 * The request was carried out; there is nothing more to say.
 */
export interface DoneReply {
  kind: "done";
}

/**
 * A number about the model as a whole, with its interval and what it is compared with.
 */
export interface Fact {
  label: string;
  about: string;
  unit: string;
  value: number | null;
  low: number | null;
  high: number | null;
  null_label: string;
  null: number | null;
}

/**
 * Why a request got no answer, as a sentence for the user. id 0: it could not be read.
 */
export interface Fail {
  kind: "error";
  client: string;
  id: number;
  reason: "busy" | "failed" | "invalid" | "missing" | "stale";
  message: string;
}

/**
 * From a position in one layer to a position in the next; no head: it stays where it is.
 */
export interface FlowEdge {
  layer: number;
  source: number;
  target: number;
  weight: number;
  head: number | null;
}

export interface FlowPath {
  weight: number;
  steps: FlowEdge[];
}

/**
 * A position that the output draws on, and what cutting it off costs.
 */
export interface FlowSource {
  position: number;
  route: number | null;
  rollout: number | null;
  knockout: number | null;
  low: number | null;
  high: number | null;
  confirmed: boolean;
}

/**
 * Routes from positions of the text to the output at one.
 */
export interface FlowTopic {
  kind: "flow";
  position: number;
  target: string;
  facts: Fact[];
  edges: FlowEdge[];
  paths: FlowPath[];
  sources: FlowSource[];
}

/**
 * Is anybody there? Answered at once, whatever the kernel is doing.
 */
export interface Hello {
  kind: "hello";
  id: number;
}

/**
 * Induction: pairs of heads (null: not looked for yet), and the trace of a prompt.
 *
 *     `length` tokens stand twice in the text, after `before` of them; 0: the text is no probe.
 */
export interface InductionTopic {
  kind: "induction";
  facts: Fact[];
  pairs: Pair[] | null;
  length: number;
  before: number;
  heads: [number, number][];
  previous: [number, number][];
  repeats: Repeat[];
  pictures: Pictures | null;
}

/**
 * What every position does to the output at one; `pairs`: float32 [source, target] follow.
 */
export interface InfluenceTopic {
  kind: "influence";
  position: number;
  target: string;
  n_prompt: number;
  measures: Measure[];
  outputs: Output[];
  pairs: boolean;
  screen: number | null;
}

/**
 * A number for each position of the text; null where it was not computed.
 */
export interface Measure {
  name: string;
  label: string;
  about: string;
  unit: string;
  value: (number | null)[];
  low: (number | null)[];
  high: (number | null)[];
}

/**
 * The model's most likely next tokens after a position.
 */
export interface Next {
  kind: "next";
  id: number;
  gen: number;
  position: number;
}

/**
 * The likeliest next tokens after `position`, and what the text really has there.
 */
export interface NextReply {
  kind: "next";
  position: number;
  tokens: NextToken[];
  actual: NextToken | null;
}

export interface NextToken {
  token: string;
  id: number;
  probability: number;
}

export interface Ok {
  kind: "ok";
  client: string;
  id: number;
  gen: number;
  body: TilesReply | CellsReply | ColumnReply | NextReply | DoneReply;
}

export interface Options {
  score: string;
  first: "dim" | "hide" | "show";
  scale: "head" | "shared";
  pooling: "max" | "mean";
}

/**
 * One token that the model wrote: what its own earlier ones did to it, and the prompt.
 */
export interface Output {
  position: number;
  own: number | null;
  own_low: number | null;
  own_high: number | null;
  prompt: number | null;
  prompt_low: number | null;
  prompt_high: number | null;
}

/**
 * A previous-token head and the induction head that may be made with it.
 */
export interface Pair {
  sender: [number, number];
  receiver: [number, number];
  q_z: number | null;
  k_z: number | null;
  v_z: number | null;
  path: number | null;
  low: number | null;
  high: number | null;
  null: number | null;
  null_high: number | null;
  confirmed: boolean;
}

/**
 * A class of attention patterns: a head is of it above the threshold and above its null.
 */
export interface PatternKind {
  name: string;
  label: string;
  description: string;
  function: string;
  score: string;
  threshold: number;
}

/**
 * Small pictures of every head: `rows` x `rows` uint8 a head, then a float32 scale each.
 */
export interface PatternsTopic {
  kind: "patterns";
  kinds: PatternKind[];
  rows: number;
  tokens: number;
}

/**
 * The matrix in the saved picture: the `picture_data` trait laid out as one tile.
 */
export interface Picture {
  gen: number;
  window: [number, number, number, number];
  pooling: "max" | "mean";
  side: number;
  tile: TilePart;
  next: NextReply | null;
}

/**
 * Heads' matrices that are there without a kernel: tiles in `topic_data`.
 */
export interface Pictures {
  window: [number, number, number, number];
  pooling: "max" | "mean";
  side: number;
  tiles: TilePart[];
}

/**
 * How far the kernel is. The buffer holds the scores' planes, or else the topic's data.
 */
export interface Push {
  kind: "push";
  seq: number;
  status: Status;
  scores: ScoresInfo | null;
  topic: InductionTopic | PatternsTopic | InfluenceTopic | FlowTopic | CoordinationTopic | null;
}

/**
 * A token that stood earlier, and what induction makes of it; lists go by head.
 */
export interface Repeat {
  position: number;
  earlier: number;
  attention: (number | null)[];
  chance: number;
  added: (number | null)[];
  added_chance: (number | null)[];
  first_hop: (number | null)[];
  probability: number;
  predicted: boolean;
  follows: boolean;
}

/**
 * Run the model on a new prompt; the traits follow when it is done.
 */
export interface Run {
  kind: "run";
  id: number;
  text: string;
}

/**
 * One score for every head.
 *
 *     Planes of [layer, head] float32 lie one after the other in the `score_data` trait: `value` and,
 *     where they exist, `control`, `low`, `high` (indices of planes; null where there is none).
 *     NaN is a head that has not been computed.
 */
export interface Score {
  name: string;
  label: string;
  about: string;
  group: string;
  source: string;
  chance: number | null;
  least: number;
  most: number;
  value: number;
  control: number | null;
  low: number | null;
  high: number | null;
  bar: number | null;
}

export interface ScoresInfo {
  planes: number;
  scores: Score[];
}

export interface SelectedCell {
  query: number | null;
  key: number | null;
}

/**
 * Apart from `SelectedCell`: a cell that moves the query does not undo a click on a head.
 */
export interface SelectedHead {
  layer: number;
  head: number;
}

/**
 * What the kernel is doing for this view.
 */
export interface Status {
  state: "failed" | "idle" | "partial" | "running";
  message: string;
  done: number;
  total: number;
}

/**
 * Stop the analysis or the run that is under way; what is done stays, marked as partial.
 */
export interface Stop {
  kind: "stop";
  id: number;
}

/**
 * One run of one prompt.
 */
export interface Text {
  gen: number;
  model: string;
  n_layers: number;
  n_heads: number;
  tokens: string[];
  prompt: string;
  has_bos: boolean;
  seconds: number | null;
  live: boolean;
}

/**
 * One head's tile inside a buffer.
 *
 *     At `offset`: rows x cols uint8, value = byte * scale / 255, without the first token's column;
 *     then, where the window starts at key 0, `rows` float32 of that column at `first`.
 */
export interface TilePart {
  head: [number, number];
  rows: number;
  cols: number;
  scale: number;
  offset: number;
  first: number | null;
}

/**
 * Heads' matrices in one window, pooled to at most `side` cells a side.
 *
 *     `also` lists heads worth having next; the kernel adds those that it need not compute anything
 *     for, as long as they fit the room that a prompt reply has anyway.
 */
export interface Tiles {
  kind: "tiles";
  id: number;
  gen: number;
  heads: [number, number][];
  also: [number, number][];
  pooling: "max" | "mean";
  window: [number, number, number, number];
  side: number;
}

export interface TilesReply {
  kind: "tiles";
  window: [number, number, number, number];
  pooling: "max" | "mean";
  side: number;
  tiles: TilePart[];
}

export type Request = Tiles | Cells | Column | Next | Run | Stop | Cancel | Hello | Ack;
export type Body = TilesReply | CellsReply | ColumnReply | NextReply | DoneReply;
export type Topic = InductionTopic | PatternsTopic | InfluenceTopic | FlowTopic | CoordinationTopic;
export type Reply = Ok | Fail | Push;
