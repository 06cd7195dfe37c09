// A topic's message as typed columns: what circuit_widgets/wire/blocks.py declares, read from its
// named buffers. What is not there is null; what a program asks for by a wrong name is an error.
import type { HeadAt } from "../model/address";
import type {
  Block,
  Column,
  GraphInfo,
  MatrixInfo,
  PicturesInfo,
  Role,
  TableInfo,
  TopicInfo,
} from "./block-types";
import { floats, within } from "./client";

export type * from "./block-types";

/** The bytes of each block by its name. A page without a kernel may have dropped them. */
export type Buffers = Readonly<Record<string, DataView | null | undefined>>;

/** What belongs to one estimate, a value a row; null: no such column. */
export interface Estimates {
  column: Column;
  value: Float32Array;
  low: Float32Array | null;
  high: Float32Array | null;
  /** What low and high are: "95 % interval". */
  interval: string;
  null: Float32Array | null;
  nullLow: Float32Array | null;
  nullHigh: Float32Array | null;
  p: Float32Array | null;
  q: Float32Array | null;
}

export class Table {
  readonly rows: number;
  #read = new Map<string, unknown>();

  constructor(
    readonly info: TableInfo,
    private readonly data: DataView,
  ) {
    this.rows = info.rows;
    // All bytes are there, or the table is not.
    for (const { offset, type } of info.columns)
      if (offset !== null) within(data, offset, this.rows * WIDTH[type]);
  }

  get columns(): readonly Column[] {
    return this.info.columns;
  }

  has(name: string): boolean {
    return this.info.columns.some((column) => column.name === name);
  }

  column(name: string): Column {
    const found = this.info.columns.find((column) => column.name === name);
    if (found) return found;
    const names = this.info.columns.map((column) => column.name).join(", ");
    throw new Error(`the table ${this.info.name} has no column ${name}, only ${names}`);
  }

  /** Numbers of a column; whole ones too. NaN: missing. */
  numbers(name: string): Float32Array {
    if (this.column(name).type === "int32")
      return this.#once(`${name} as float`, () =>
        Float32Array.from(this.ints(name), (value) => (value < 0 ? Number.NaN : value)),
      );
    return this.#once(name, () => floats(this.data, this.#offset(name, "float32"), this.rows));
  }

  /** Whole numbers. -1: missing. */
  ints(name: string): Int32Array {
    return this.#once(name, () => this.#whole(this.#offset(name, "int32"), this.rows));
  }

  heads(name: string): readonly (HeadAt | null)[] {
    return this.#once(name, () => {
      const flat = this.#whole(this.#offset(name, "head"), this.rows * 2);
      return Array.from({ length: this.rows }, (_, row): HeadAt | null => {
        const [layer, head] = [flat[row * 2] as number, flat[row * 2 + 1] as number];
        return layer < 0 ? null : [layer, head];
      });
    });
  }

  /** 1 or 0 a row. */
  flags(name: string): Uint8Array {
    return this.#once(name, () => {
      const start = within(this.data, this.#offset(name, "flag"), this.rows);
      return new Uint8Array(this.data.buffer as ArrayBuffer, start, this.rows);
    });
  }

  texts(name: string): readonly string[] {
    const { texts } = this.column(name);
    if (texts === null) throw this.#wrong(name, "text");
    return texts;
  }

  /** The column of a role that belongs to an estimate. */
  of(estimate: string, role: Role): Column | null {
    const fits = (column: Column) => column.of === estimate && column.role === role;
    return this.info.columns.find(fits) ?? null;
  }

  /** An estimate with all that belongs to it. */
  estimates(name: string): Estimates {
    return this.#once(`${name} with all`, () => {
      const part = (role: Role) => {
        const column = this.of(name, role);
        return column && this.numbers(column.name);
      };
      return {
        column: this.column(name),
        value: this.numbers(name),
        low: part("low"),
        high: part("high"),
        interval: this.of(name, "low")?.about || "interval",
        null: part("null"),
        nullLow: part("null_low"),
        nullHigh: part("null_high"),
        p: part("p"),
        q: part("q"),
      };
    });
  }

  #offset(name: string, type: Column["type"]): number {
    const column = this.column(name);
    if (column.type !== type || column.offset === null) throw this.#wrong(name, type);
    return column.offset;
  }

  #wrong(name: string, type: Column["type"]): Error {
    const { type: is } = this.column(name);
    return new Error(`the column ${name} of the table ${this.info.name} is ${is}, not ${type}`);
  }

  #whole(offset: number, length: number): Int32Array {
    const start = within(this.data, offset, length * 4);
    const buffer = this.data.buffer as ArrayBuffer;
    return start % 4 === 0
      ? new Int32Array(buffer, start, length)
      : new Int32Array(buffer.slice(start, start + length * 4));
  }

  /** The same array each time, so that a comparison by identity sees no change where there is none. */
  #once<T>(key: string, read: () => T): T {
    if (!this.#read.has(key)) this.#read.set(key, read());
    return this.#read.get(key) as T;
  }
}

const WIDTH: Record<Column["type"], number> = { float32: 4, int32: 4, head: 8, flag: 1, text: 0 };

export class Matrix {
  /** Row by row. NaN: missing. */
  readonly values: Float32Array;

  constructor(
    readonly info: MatrixInfo,
    data: DataView,
  ) {
    this.values = floats(data, info.offset, info.rows.n * info.cols.n);
  }

  at(row: number, col: number): number {
    return this.values[row * this.info.cols.n + col] ?? Number.NaN;
  }
}

export interface Graph {
  info: GraphInfo;
  nodes: Table;
  edges: Table;
}

export interface Pictures {
  info: PicturesInfo;
  data: DataView;
}

export class Topic {
  readonly kind: string;
  #blocks: ReadonlyMap<string, Table | Matrix | Graph | Pictures>;

  constructor(
    private readonly info: TopicInfo,
    buffers: Buffers,
  ) {
    this.kind = info.kind;
    const blocks = new Map<string, Table | Matrix | Graph | Pictures>();
    for (const block of info.blocks) {
      const made = readable(block, buffers[block.name]);
      if (made) blocks.set(block.name, made);
    }
    this.#blocks = blocks;
  }

  /** Null: it is not there (yet), or its bytes are not. */
  table(name: string): Table | null {
    const block = this.#blocks.get(name);
    return block instanceof Table ? block : null;
  }

  matrix(name: string): Matrix | null {
    const block = this.#blocks.get(name);
    return block instanceof Matrix ? block : null;
  }

  graph(name: string): Graph | null {
    const block = this.#blocks.get(name);
    return block && "nodes" in block ? block : null;
  }

  pictures(name: string): Pictures | null {
    const block = this.#blocks.get(name);
    return block && "data" in block && "tiles" in block.info ? (block as Pictures) : null;
  }

  get allPictures(): readonly Pictures[] {
    return this.info.blocks.flatMap(({ name }) => this.pictures(name) ?? []);
  }

  /** NaN where it is missing. */
  number(name: string): number {
    const value = this.info.scalars[name];
    return typeof value === "number" ? value : Number.NaN;
  }

  /** "" where it is missing. */
  text(name: string): string {
    const value = this.info.scalars[name];
    return typeof value === "string" ? value : "";
  }

  flag(name: string): boolean {
    return this.info.scalars[name] === true;
  }
}

export function readTopic(info: TopicInfo, buffers: Buffers): Topic {
  return new Topic(info, buffers);
}

const EMPTY = new DataView(new ArrayBuffer(0));

/** Null where the bytes are missing or too few. */
function readable(
  block: Block,
  data: DataView | null | undefined,
): Table | Matrix | Graph | Pictures | null {
  const bytes = data instanceof DataView ? data : EMPTY;
  try {
    switch (block.kind) {
      case "table":
        return new Table(block, bytes);
      case "matrix":
        return new Matrix(block, bytes);
      case "graph":
        return {
          info: block,
          nodes: new Table(block.nodes, bytes),
          edges: new Table(block.edges, bytes),
        };
      case "pictures":
        return bytes.byteLength > 0 ? { info: block, data: bytes } : null;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return null;
  }
}
