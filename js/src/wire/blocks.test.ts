// @vitest-environment happy-dom
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fakeTable, fakeTopic, readTable } from "../test/fake-blocks";
import { shifted } from "../test/fake-model";
import { readTopic, type TopicInfo } from "./blocks";

const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../../tests/golden/blocks.json"), "utf8"),
) as { topic: TopicInfo; buffers: Record<string, string> };
const bytes = Object.fromEntries(
  Object.entries(golden.buffers).map(([name, text]) => [
    name,
    shifted(Uint8Array.from(Buffer.from(text, "base64"))),
  ]),
);
const { NaN: missing } = Number;

describe("the golden topic", () => {
  const topic = readTopic(golden.topic, bytes);

  it("has every type of column, wherever its bytes lie", () => {
    const table = topic.table("pairs");
    if (!table) throw new Error("no table");
    expect(table.rows).toBe(3);
    expect(table.heads("sender")).toEqual([[0, 1], null, [2, 3]]);
    expect([...table.numbers("value")]).toEqual([0.5, missing, -1.25]);
    expect([...table.flags("sure")]).toEqual([1, 0, 1]);
    expect([...table.ints("count")]).toEqual([7, -1, 0]);
    expect([...table.numbers("count")]).toEqual([7, missing, 0]);
    expect([...table.ints("at")]).toEqual([0, 5, -1]);
    expect(table.column("at").role).toBe("position");
    expect(table.texts("word")).toEqual(["a", "<b>", ""]);
    expect(table.info.sort).toEqual({ column: "value", descending: true });
  });

  it("gives an estimate with what belongs to it", () => {
    const all = topic.table("pairs")?.estimates("value");
    expect(all?.column.unit).toBe("nats");
    expect([...(all?.low ?? [])]).toEqual([0.25, missing, -2]);
    expect([...(all?.q ?? [])]).toEqual([0.01, 0.5, missing].map(Math.fround));
    expect([all?.high, all?.null, all?.p]).toEqual([null, null, null]);
    expect(all?.interval).toBe("90 % interval");
  });

  it("has the matrix, the graph and the pictures", () => {
    const matrix = topic.matrix("grid");
    expect([matrix?.at(0, 0), matrix?.at(0, 1), matrix?.at(2, 1)]).toEqual([1, missing, 2]);
    expect(matrix?.info.rows.heads).toEqual([
      [0, 0],
      [0, 1],
      [1, 0],
    ]);
    const graph = topic.graph("routes");
    expect(graph?.nodes.texts("label")).toEqual(["x", "y", "z"]);
    expect([...(graph?.nodes.ints("layer") ?? [])]).toEqual([0, 1, 1]);
    expect([...(graph?.edges.ints("target") ?? [])]).toEqual([1, 2]);
    expect([...(graph?.edges.numbers("weight") ?? [])]).toEqual([0.75, 0.25]);
    expect(topic.pictures("small")?.data.getUint8(0)).toBe(255);
    expect(topic.allPictures.length).toBe(1);
  });

  it("has its scalars, and none that is missing", () => {
    expect([topic.kind, topic.number("position"), topic.text("target")]).toEqual([
      "fake",
      4,
      "dog",
    ]);
    expect([topic.flag("signed"), topic.flag("none")]).toEqual([true, false]);
    expect([topic.number("screen"), topic.number("other"), topic.text("none")]).toEqual([
      missing,
      missing,
      "",
    ]);
  });
});

describe("readTopic", () => {
  it("has no block whose bytes are missing or too few, and none of another kind", () => {
    const topic = readTopic(golden.topic, { pairs: shifted(new Uint8Array(8)), grid: null });
    expect(topic.table("pairs")).toBeNull();
    expect(topic.matrix("grid")).toBeNull();
    expect(topic.graph("routes")).toBeNull();
    expect(topic.pictures("small")).toBeNull();
    expect(readTopic(golden.topic, bytes).table("grid")).toBeNull();
    expect(readTopic(golden.topic, bytes).matrix("nothing")).toBeNull();
  });

  it("shows a table of no rows", () => {
    const topic = fakeTopic("t", {}, fakeTable("none", { x: { numbers: [] } }));
    expect(topic.table("none")?.rows).toBe(0);
  });

  it("says which column there is not, and which type one has", () => {
    const table = readTable("pairs", { x: { numbers: [1] }, at: { ints: [2] } });
    expect(() => table.numbers("y")).toThrow("the table pairs has no column y, only x, at");
    expect(() => table.heads("x")).toThrow("the column x of the table pairs is float32, not head");
  });

  it("gives the same array each time", () => {
    const table = readTable("t", { x: { numbers: [1] }, h: { heads: [[0, 1]] } });
    expect(table.numbers("x")).toBe(table.numbers("x"));
    expect(table.heads("h")).toBe(table.heads("h"));
  });
});
