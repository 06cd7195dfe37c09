import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Sort, sortedRows, sortOf, wordOf } from "./sort";
import { Table, type TableProps } from "./Table";
import type { TableColumn } from "./table-columns";

let root: HTMLElement;
beforeEach(() => {
  root = document.createElement("div");
  document.body.append(root);
});
afterEach(() => {
  render(null, root);
  root.remove();
});

const columns = (pairs: string[], path: number[]): TableColumn[] => [
  { kind: "text", name: "pair", label: "pair", values: pairs },
  {
    kind: "number",
    name: "path",
    label: "path",
    about: "How much of it goes along the path.",
    values: Float32Array.from(path),
    low: Float32Array.from(path, (v) => v - 0.1),
    high: Float32Array.from(path, (v) => v + 0.1),
  },
];
const PAIRS = ["10.1", "2.1", "2.0"];
const PATH = [0.25, Number.NaN, 0.75];

function show(given: Partial<TableProps> = {}): Promise<void> {
  const props = { name: "pairs", title: "Pairs", columns: columns(PAIRS, PATH), rows: 3, ...given };
  return act(() => render(<Table {...props} />, root));
}

const rows = () => [...root.querySelectorAll<HTMLElement>("tbody tr")];
const first = () => rows().map((row) => row.firstElementChild?.textContent);
const header = (name: string) =>
  [...root.querySelectorAll<HTMLElement>("th")].find((th) => th.textContent?.startsWith(name));
const press = (at: HTMLElement | undefined, code: string) =>
  act(() => {
    at?.dispatchEvent(new KeyboardEvent("keydown", { code, bubbles: true, cancelable: true }));
  });

describe("the order of rows", () => {
  it("has what is missing last, whichever way, and equal rows as they were", () => {
    expect(sortedRows(PATH, 3, true)).toEqual([2, 0, 1]);
    expect(sortedRows(PATH, 3, false)).toEqual([0, 2, 1]);
    expect(sortedRows([1, 1, 1], 3, true)).toEqual([0, 1, 2]);
    expect(sortedRows([null, "b", "a"], 3, false)).toEqual([2, 1, 0]);
  });

  it("has 2.1 before 10.1", () => {
    expect(sortedRows(PAIRS, 3, false)).toEqual([2, 1, 0]);
  });

  it("is a word", () => {
    for (const word of ["-path", "path"]) expect(wordOf(sortOf(word) as Sort)).toBe(word);
    expect(sortOf("")).toBeNull();
  });
});

describe("a table", () => {
  it("says what it is sorted by, and in which order", async () => {
    await show({ order: "in order of the text" });
    expect(root.querySelector("h3")?.textContent).toContain("in order of the text");
    await show({ sort: { column: "path", descending: true } });
    expect(root.querySelector("[data-cw=pairs-order]")?.textContent).toBe(
      "sorted by path, highest first",
    );
    expect(header("path")?.getAttribute("aria-sort")).toBe("descending");
  });

  it("is sorted by a click on a header, and the other way by a second one", async () => {
    const setSort = vi.fn();
    await show({ sort: { column: "pair", descending: false }, setSort });
    header("path")?.querySelector("button")?.click();
    header("pair")?.querySelector("button")?.click();
    expect(setSort.mock.calls.map(([sort]) => wordOf(sort))).toEqual(["-path", "-pair"]);
  });

  it("stays sorted, and keeps its selection, while rows come in", async () => {
    const given = { sort: { column: "path", descending: true } };
    await show({ ...given, selected: 0, keyOf: (row) => PAIRS[row] ?? "" });
    expect(first()).toEqual(["2.0", "10.1", "2.1"]);
    const kept = rows()[1];
    const more = ["3.3", ...PAIRS];
    await show({
      ...given,
      columns: columns(more, [0.5, ...PATH]),
      rows: 4,
      selected: 1,
      keyOf: (row) => more[row] ?? "",
    });
    expect(first()).toEqual(["2.0", "3.3", "10.1", "2.1"]);
    expect(rows()[2]).toBe(kept);
    expect(kept?.getAttribute("aria-selected")).toBe("true");
  });

  it("shows the interval beside a value, and a dash for what is missing", async () => {
    await show();
    const cells = rows().map((row) => row.lastElementChild?.textContent);
    expect(cells).toEqual(["0.25 0.15 to 0.35", "–", "0.75 0.65 to 0.85"]);
  });

  it("is walked through by keys and selects with Enter; Tab leads to the selected row", async () => {
    const [select, point] = [vi.fn(), vi.fn()];
    await show({ selected: 1, select, point });
    expect(rows().map((row) => row.tabIndex)).toEqual([-1, 0, -1]);
    rows()[1]?.focus();
    await press(rows()[1], "ArrowDown");
    expect(document.activeElement).toBe(rows()[2]);
    expect(point).toHaveBeenLastCalledWith(2);
    await press(rows()[2], "Enter");
    expect(select).toHaveBeenLastCalledWith(2);
    await press(rows()[2], "Home");
    expect(document.activeElement).toBe(rows()[0]);
    expect(root.querySelector("tbody")?.dataset.keys).toContain("ArrowDown");
  });

  it("selects what is clicked, and tells what is pointed at", async () => {
    const [select, point] = [vi.fn(), vi.fn()];
    await show({ select, point, sort: { column: "path", descending: true } });
    const cell = rows()[0]?.firstElementChild as HTMLElement;
    cell.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
    cell.click();
    expect([point.mock.lastCall, select.mock.lastCall]).toEqual([[2], [2]]);
  });

  it("says so when it is empty", async () => {
    await show({ rows: 0, empty: "There is no pair." });
    expect(root.textContent).toContain("There is no pair.");
    expect(root.querySelector("table")).toBeNull();
  });
});
