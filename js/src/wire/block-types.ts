// The blocks of a topic's message, as circuit_widgets/wire/blocks.py declares them.
import type { HeadAt } from "../model/address";

export type Role =
  | "label"
  | "head"
  | "position"
  | "estimate"
  | "low"
  | "high"
  | "null"
  | "null_low"
  | "null_high"
  | "p"
  | "q"
  | "flag"
  | "text"
  | "count";

export interface Column {
  name: string;
  label: string;
  about: string;
  unit: string;
  role: Role;
  /** The estimate that an interval, a null, a p or a q belongs to. */
  of: string | null;
  /** float32: NaN is missing. int32: -1 is. head: int32 pairs. flag: uint8. text: `texts`. */
  type: "float32" | "int32" | "head" | "flag" | "text";
  offset: number | null;
  texts: string[] | null;
}

export interface TableInfo {
  kind: "table";
  name: string;
  title: string;
  about: string;
  rows: number;
  columns: Column[];
  sort: { column: string; descending: boolean } | null;
}

export interface Axis {
  label: string;
  ticks: "positions" | "heads" | "layers" | "texts";
  heads: HeadAt[] | null;
  texts: string[] | null;
  n: number;
}

export interface MatrixInfo {
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

export interface GraphInfo {
  kind: "graph";
  name: string;
  title: string;
  about: string;
  nodes: TableInfo;
  edges: TableInfo;
}

export interface PicturesInfo {
  kind: "pictures";
  name: string;
  window: [q0: number, q1: number, k0: number, k1: number];
  pooling: "max" | "mean";
  side: number;
  tiles: {
    head: HeadAt;
    rows: number;
    cols: number;
    scale: number;
    offset: number;
    first: number | null;
  }[];
}

export type Block = TableInfo | MatrixInfo | GraphInfo | PicturesInfo;
export type Scalar = number | string | boolean | null;

export interface TopicInfo {
  kind: string;
  scalars: Record<string, Scalar>;
  blocks: Block[];
}
