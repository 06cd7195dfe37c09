// @vitest-environment happy-dom
// A page without a kernel: its answers, what is not there, and views that select together.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Session } from "../../model/session";
import { Widget } from "../../model/widget";
import { fakeTiles, fakeView } from "../../test/fake-page";
import { lightTheme } from "../../test/fake-theme";
import { Baked } from "./baked";
import { inflate, unpack } from "./bytes";
import { link } from "./links";
import { PagePort } from "./port";

let abort: AbortController;
beforeEach(() => {
  abort = new AbortController();
});
afterEach(() => abort.abort());

const wait = (ms = 30) => new Promise<void>((resolve) => setTimeout(resolve, ms));

function open(links = { heads: "toy", cells: "" }) {
  const unpacked = fakeView({}, links);
  const { data } = fakeTiles();
  const store = new Baked(unpacked.view.baked, async () => data);
  const port = new PagePort(unpacked, store, abort.signal);
  const session = new Session(new Widget(port), lightTheme, abort.signal);
  return { port, session, ...links };
}

describe("a page without a kernel", () => {
  it("shows heads that it was given, and their scores", async () => {
    const { session } = open();
    await wait();
    expect(session.picture.value?.data[5]).toBe(9);
    expect(session.plane.value?.value[6]).toBeCloseTo(0.5);
    session.select({ layer: 0, head: 1 });
    await wait();
    expect(session.picture.value?.data[5]).toBe(5);
  });

  it("has rows and predictions, and says that rows are not exact", async () => {
    const { session } = open();
    await wait(100);
    const byte = (9 * 0.4) / 255;
    expect([...(session.weights.value ?? [])].map((v) => Number(v.toFixed(5)))).toEqual(
      [0, byte, byte, byte].map((v) => Number(v.toFixed(5))),
    );
    expect(session.baked).toBe(true);
    expect(session.tiles.value.next(3)?.tokens[0]?.token).toBe("e");
  });

  it("says what it was not given, and does not wait for it", async () => {
    const { session } = open();
    session.select({ layer: 2, head: 0 });
    await wait();
    expect(session.tile.value).toBeNull();
    expect(session.tiles.value.refusal.value).toBe(
      "Attention of 2.0 is not included in this page: a page of 1 kB has no room for it.",
    );
    await session.run("another text");
    expect(session.complaint.value).toContain("not included in this page");
    expect(session.client.alive.value).toBe("yes");
  });

  it("selects heads together where views are of one model, and cells where of one text", async () => {
    const views = [
      open({ heads: "toy", cells: "text" }),
      open({ heads: "toy", cells: "other" }),
      open({ heads: "", cells: "" }),
    ] as const;
    link(views);
    const [one, other, alone] = views;
    one.session.select({ layer: 0, head: 1, query: 2 });
    await wait();
    expect(other.session.head.value).toEqual([0, 1]);
    expect(other.session.cell.value.query).toBe(3);
    expect(alone.session.head.value).toEqual([1, 2]);
    // And back: an older selection of one's own is no late echo.
    other.session.select({ layer: 1, head: 2 });
    one.session.select({ layer: 2, head: 3 });
    await wait();
    expect(other.session.head.value).toEqual([2, 3]);
  });
});

describe("what a page carries", () => {
  it("is JSON and bytes, deflated, in base64", async () => {
    const json = new TextEncoder().encode(JSON.stringify({ bundle: "explorer" }).padEnd(24));
    const plain = new Uint8Array(4 + json.length + 8);
    new DataView(plain.buffer).setUint32(0, json.length, true);
    plain.set(json, 4);
    plain.set([1, 2, 3, 4], 4 + json.length + 4);
    const packed = new Blob([plain]).stream().pipeThrough(new CompressionStream("deflate"));
    const bytes = new Uint8Array(await new Response(packed).arrayBuffer());
    const text = btoa(String.fromCharCode(...bytes));
    const { view, part } = unpack(await inflate(`\n${text}\n`));
    expect(view.bundle).toBe("explorer");
    expect(part({ offset: 4, length: 4 }).getUint8(2)).toBe(3);
  });
});
