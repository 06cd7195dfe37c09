// @vitest-environment happy-dom
import { effect } from "@preact/signals";
import { describe, expect, it } from "vitest";
import { FakeModel, shifted } from "../test/fake-model";
import { follow, type Traits, view } from "./traits";

const STATUS = { state: "idle", message: "", done: 0, total: 0 } as const;
const KERNEL = { source: "kernel", seq: 0 };
const PICTURE = { run: 1 } as Traits["picture"];

describe("follow", () => {
  it("starts with what the model has, and follows it", () => {
    const model = new FakeModel({ status: STATUS });
    const live = follow(model.port(new AbortController().signal));
    expect(live.status.value).toBe(STATUS);
    model.receive({ status: { ...STATUS, done: 3 } });
    expect(live.status.value.done).toBe(3);
  });

  it("follows what another view of the same model sets", () => {
    const model = new FakeModel({ selected_head: { layer: 0, head: 0, ...KERNEL } });
    const live = follow(model.port(new AbortController().signal));
    model.set("selected_head", { layer: 1, head: 2, ...KERNEL });
    expect(live.selected_head.value).toMatchObject({ layer: 1, head: 2 });
  });

  it("changes together what comes together", () => {
    const model = new FakeModel({ picture: {}, picture_data: shifted(new Uint8Array()) });
    const live = follow(model.port(new AbortController().signal));
    const seen: [boolean, number][] = [];
    effect(() => {
      seen.push(["run" in live.picture.value, live.picture_data.value.byteLength]);
    });
    model.receive({ picture: PICTURE, picture_data: shifted(new Uint8Array(8)) });
    expect(seen).toEqual([
      [false, 0],
      [true, 8],
    ]);
  });

  it("does not tell of what stays the same", () => {
    const model = new FakeModel({
      status: STATUS,
      selected_cell: { query: 1, key: null, ...KERNEL },
    });
    const live = follow(model.port(new AbortController().signal));
    let told = 0;
    effect(() => {
      live.selected_cell.value;
      told++;
    });
    model.receive({ status: { ...STATUS } });
    expect(told).toBe(1);
  });

  it("stops when the view is gone, and leaves no listener", () => {
    const model = new FakeModel({ status: STATUS });
    const other = new FakeModel();
    const abort = new AbortController();
    const live = follow(model.port(abort.signal));
    follow(other.port(new AbortController().signal));
    expect(model.listeners).toBe(other.listeners);
    abort.abort();
    expect(model.listeners).toBe(0);
    model.receive({ status: { ...STATUS, done: 3 } });
    expect(live.status.value).toBe(STATUS);
  });

  it("leaves other views' listeners alone", () => {
    const model = new FakeModel({ status: STATUS });
    const [one, two] = [new AbortController(), new AbortController()];
    follow(model.port(one.signal));
    const live = follow(model.port(two.signal));
    one.abort();
    model.receive({ status: { ...STATUS, done: 3 } });
    expect(live.status.value.done).toBe(3);
  });
});

describe("view", () => {
  it("hands bytes on as they are", () => {
    const data = shifted(Uint8Array.of(1, 2));
    expect(view(data)).toBe(data);
  });

  it.each([null, undefined, {}, "", []])("is empty where a page dropped the bytes: %j", (gone) => {
    const data = view(gone as unknown as DataView);
    expect(data).toBeInstanceOf(DataView);
    expect(data.byteLength).toBe(0);
  });
});
