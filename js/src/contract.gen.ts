// Generated from circuit_widgets/wire/messages.py by `make contract`. Do not edit.
/* biome-ignore-all lint: generated */

export const FLUSH_BYTES = 131072;
export const MAX_TEXT = 1000000;
export const MAX_NAME = 64;
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
 * Diagnose another prompt, with what should follow it; the topic follows when it is done.
 */
export interface AddCase {
  kind: "case";
  id: number;
  prompt: string;
  expected: string;
}

/**
 * One side of a matrix: `n` positions of the text, heads, layers, or texts of its own.
 */
export interface Axis {
  label: string;
  ticks: "heads" | "layers" | "positions" | "texts";
  heads: [number, number][] | null;
  texts: string[] | null;
  n: number;
}

/**
 * What the page has of one run: heads' matrices, and what is predicted after each position.
 *
 *     The pictures lie one after the other among the view's tiles. `absent` says why a head is not
 *     among them.
 */
export interface BakedRun {
  run: number;
  pictures: PicturesBlock[];
  next: NextReply[];
  absent: string;
}

/**
 * What one animation frame of one client asks for.
 */
export interface Batch {
  client: string;
  requests: (Tiles | Cells | Column | Next | RunPrompt | TryFix | AddCase | Stop | Cancel | Hello | Ack)[];
}

/**
 * All that a topic's view shows besides scores: a few values by name, and blocks.
 */
export interface BlockTopic {
  kind: string;
  scalars: Record<string, number | string | boolean | null>;
  blocks: (Table | Matrix | Graph | PicturesBlock)[];
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
  run: number;
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
  run: number;
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
 * What a parameter is called and which values it takes; `value` is what it is at first.
 */
export interface Control {
  name: string;
  label: string;
  about: string;
  kind: "choice" | "flag" | "number";
  value: number | string | boolean;
  least: number | null;
  most: number | null;
  step: number | null;
  unit: string;
  choices: ControlChoice[];
  locked: boolean;
}

/**
 * One of the values that a choice takes.
 */
export interface ControlChoice {
  value: string;
  label: string;
  about: string;
}

/**
 * The request was carried out; there is nothing more to say.
 */
export interface DoneReply {
  kind: "done";
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
 * How an output is framed: height in px, panels left out, what stands above and below.
 */
export interface Frame {
  height: number | null;
  hide: string[];
  title: string | null;
  caption: string | null;
}

/**
 * Nodes and edges in one buffer; an edge's `source` and `target` are row numbers of nodes.
 */
export interface Graph {
  kind: "graph";
  name: string;
  title: string;
  about: string;
  nodes: Table;
  edges: Table;
}

/**
 * Is anybody there? Answered at once, whatever the kernel is doing.
 *
 *     fill: whether this answer, and those after it, are filled up to `FLUSH_BYTES`. The page measures
 *     which comes back sooner.
 */
export interface Hello {
  kind: "hello";
  id: number;
  fill: boolean;
}

/**
 * float32 [rows, cols], row by row, at `offset` of the buffer; NaN is missing.
 */
export interface Matrix {
  kind: "matrix";
  name: string;
  title: string;
  about: string;
  rows: Axis;
  cols: Axis;
  unit: string;
  signed: boolean;
  least: number;
  most: number;
  offset: number;
}

/**
 * The model's most likely next tokens after a position.
 */
export interface Next {
  kind: "next";
  id: number;
  run: number;
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
  run: number;
  body: TilesReply | CellsReply | ColumnReply | NextReply | DoneReply;
}

/**
 * What a first screen is made of; as the traits of a widget. None: there is none.
 */
export interface PageTraits {
  runs: Runs;
  status: Status;
  scores: ScoresInfo;
  score_data: Span;
  picture: Picture | null;
  picture_data: Span;
  selected_head: SelectedHead;
  selected_cell: SelectedCell;
  selected_edge: SelectedEdge;
  controls: Control[];
  param_values: ParamValues;
  frame: Frame;
  topic: BlockTopic | null;
  topic_data: Record<string, Span>;
}

/**
 * One view of a page.
 *
 *     `bundle`: which view. `heads`, `cells`: views with the same name here select heads, and cells,
 *     together. `others`: what there is to see besides the run that is shown first.
 */
export interface PageView {
  bundle: string;
  traits: PageTraits;
  baked: BakedRun[];
  others: RunTraits[];
  heads: string;
  cells: string;
}

/**
 * The parameters as they are. `source` and `seq`: who set them, and that one's how-manieth.
 */
export interface ParamValues {
  values: Record<string, number | string | boolean>;
  source: string;
  seq: number;
}

/**
 * The matrix in the saved picture: the `picture_data` trait laid out as one tile.
 */
export interface Picture {
  run: number;
  window: [number, number, number, number];
  pooling: "max" | "mean";
  side: number;
  tile: TilePart;
  next: NextReply | null;
}

/**
 * Heads' matrices that are there without a kernel.
 */
export interface PicturesBlock {
  kind: "pictures";
  name: string;
  window: [number, number, number, number];
  pooling: "max" | "mean";
  side: number;
  tiles: TilePart[];
}

/**
 * How far the kernel is: scores and topic, with their bytes in the buffers of these names.
 *
 *     `version` orders it among what the traits say: what is older than them is not shown. The scores'
 *     planes are in the buffer "scores", a block's numbers in that of its own name.
 */
export interface Push {
  kind: "push";
  seq: number;
  version: number;
  status: Status;
  scores: ScoresInfo | null;
  topic: BlockTopic | null;
  buffers: string[];
}

/**
 * A prompt, and what changes the model while it reads it: hook points with the user's hooks.
 *
 *     A view of a result has one run, whose tokens are those that the result was found on.
 */
export interface Run {
  id: number;
  model: string;
  n_layers: number;
  n_heads: number;
  tokens: string[];
  prompt: string;
  interventions: string[];
  has_bos: boolean;
  seconds: number | null;
  live: boolean;
  label: string;
  kept: number[][];
}

/**
 * Run the model on a new prompt; the traits follow when it is done.
 */
export interface RunPrompt {
  kind: "run";
  id: number;
  text: string;
}

/**
 * What changes when another run is shown: its scores, and its selected head's matrix.
 */
export interface RunTraits {
  run: number;
  scores: ScoresInfo;
  score_data: Span;
  picture: Picture | null;
  picture_data: Span;
}

/**
 * The runs that a view can show, and which one it shows.
 */
export interface Runs {
  current: number;
  all: Run[];
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
  interval: string;
  bar: number | null;
}

export interface ScoresInfo {
  planes: number;
  scores: Score[];
}

/**
 * A query and a key of the matrix; as `SelectedHead`.
 */
export interface SelectedCell {
  query: number | null;
  key: number | null;
  source: string;
  seq: number;
}

/**
 * A pair of heads, the earlier one first, or none; as `SelectedHead`.
 */
export interface SelectedEdge {
  sender: [number, number] | null;
  receiver: [number, number] | null;
  source: string;
  seq: number;
}

/**
 * Apart from `SelectedCell`: a cell that moves the query does not undo a click on a head.
 *
 *     `source` and `seq`: who selected, and that one's how-manieth selection it is. By them a page
 *     knows its own earlier selection, which comes back late, from news.
 */
export interface SelectedHead {
  layer: number;
  head: number;
  source: string;
  seq: number;
}

/**
 * The order in which a table is shown first.
 */
export interface Sort {
  column: string;
  descending: boolean;
}

/**
 * Where a binary trait lies among the view's bytes.
 */
export interface Span {
  offset: number;
  length: number;
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
 * Stop the analysis or the run; results so far are kept, marked as partial.
 */
export interface Stop {
  kind: "stop";
  id: number;
}

/**
 * Rows of typed columns.
 */
export interface Table {
  kind: "table";
  name: string;
  title: string;
  about: string;
  rows: number;
  columns: TableColumn[];
  sort: Sort | null;
}

/**
 * One column of a table: `rows` values at `offset` of the buffer, or texts as they are.
 *
 *     `of` names the estimate that an interval, a null, a p or a q belongs to.
 */
export interface TableColumn {
  name: string;
  label: string;
  about: string;
  unit: string;
  role: "count" | "estimate" | "flag" | "head" | "high" | "label" | "low" | "null" | "null_high" | "null_low" | "p" | "position" | "q" | "text";
  of: string | null;
  type: "flag" | "float32" | "head" | "int32" | "text";
  offset: number | null;
  texts: string[] | null;
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
  run: number;
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

/**
 * Try one fix of one part of the model on a case; the topic follows when it is done.
 */
export interface TryFix {
  kind: "fix";
  id: number;
  case: number;
  part: string;
  fix: string;
}

export type Request = Tiles | Cells | Column | Next | RunPrompt | TryFix | AddCase | Stop | Cancel | Hello | Ack;
export type Body = TilesReply | CellsReply | ColumnReply | NextReply | DoneReply;
export type Block = Table | Matrix | Graph | PicturesBlock;
export type Reply = Ok | Fail | Push;
