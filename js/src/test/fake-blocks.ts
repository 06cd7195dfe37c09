// For tests: a topic's blocks from plain lists, as Python packs them.
import type { HeadAt } from "../model/address";
import type { Column, TableInfo } from "../wire/block-types";
import { type Buffers, readTopic, Table, type Topic } from "../wire/blocks";

type Given = Partial<Omit<Column, "name" | "type" | "offset" | "texts">> &
  (
    | { numbers: readonly (number | null)[] }
    | { ints: readonly (number | null)[] }
    | { heads: readonly (HeadAt | null)[] }
    | { flags: readonly boolean[] }
    | { texts: readonly string[] }
  );

const ROLES = {
  float32: "estimate",
  int32: "count",
  head: "head",
  flag: "flag",
  text: "text",
} as const;

/** A table's message and its bytes. */
export function fakeTable(
  name: string,
  columns: Record<string, Given>,
  sort: TableInfo["sort"] = null,
): { info: TableInfo; data: DataView } {
  const parts: Uint8Array[] = [];
  let [offset, rows] = [0, 0];
  const infos = Object.entries(columns).map(([of, given]): Column => {
    const { type, data, texts, length } = packed(given);
    rows = length;
    const at = offset;
    const padded = new Uint8Array(data.byteLength + ((4 - (data.byteLength % 4)) % 4));
    padded.set(data);
    parts.push(padded);
    offset += padded.byteLength;
    return {
      name: of,
      label: given.label ?? of,
      about: given.about ?? "",
      unit: given.unit ?? "",
      role: given.role ?? ROLES[type],
      of: given.of ?? null,
      type,
      offset: type === "text" ? null : at,
      texts,
    };
  });
  const whole = new Uint8Array(offset);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  const info = { name, title: name, about: "", rows, columns: infos, sort };
  return { info: { kind: "table", ...info }, data: new DataView(whole.buffer) };
}

/** The same, read. */
export function readTable(...args: Parameters<typeof fakeTable>): Table {
  const { info, data } = fakeTable(...args);
  return new Table(info, data);
}

/** A topic of tables. */
export function fakeTopic(
  kind: string,
  scalars: Record<string, number | string | boolean | null>,
  ...tables: ReturnType<typeof fakeTable>[]
): Topic {
  const buffers: Buffers = Object.fromEntries(tables.map(({ info, data }) => [info.name, data]));
  return readTopic({ kind, scalars, blocks: tables.map(({ info }) => info) }, buffers);
}

function packed(given: Given): {
  type: Column["type"];
  data: Uint8Array;
  texts: string[] | null;
  length: number;
} {
  const bytes = (array: Float32Array | Int32Array) => new Uint8Array(array.buffer);
  if ("numbers" in given) {
    const data = bytes(Float32Array.from(given.numbers, (v) => v ?? Number.NaN));
    return { type: "float32", data, texts: null, length: given.numbers.length };
  }
  if ("ints" in given) {
    const data = bytes(Int32Array.from(given.ints, (v) => v ?? -1));
    return { type: "int32", data, texts: null, length: given.ints.length };
  }
  if ("heads" in given) {
    const flat = given.heads.flatMap((at) => at ?? [-1, -1]);
    return {
      type: "head",
      data: bytes(Int32Array.from(flat)),
      texts: null,
      length: flat.length / 2,
    };
  }
  if ("flags" in given) {
    const data = Uint8Array.from(given.flags, Number);
    return { type: "flag", data, texts: null, length: given.flags.length };
  }
  const texts = [...given.texts];
  return { type: "text", data: new Uint8Array(), texts, length: texts.length };
}
