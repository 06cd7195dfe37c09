// The blocks of a topic's message under the names that the page has for them.
import type { TableColumn } from "../contract.gen";

export type {
  Axis,
  Block,
  BlockTopic as TopicInfo,
  Graph as GraphInfo,
  Matrix as MatrixInfo,
  PicturesBlock as PicturesInfo,
  Table as TableInfo,
  TableColumn as Column,
} from "../contract.gen";

export type Role = TableColumn["role"];
export type Scalar = number | string | boolean | null;
