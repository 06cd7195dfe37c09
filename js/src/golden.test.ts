// @vitest-environment happy-dom
// What the kernel writes is what the views read: tests/golden/wire.json, which both suites share.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Batch, Picture, Request, Runs, ScoresInfo } from "./contract.gen";
import { valueAt } from "./draw/tile";
import { FakeModel, settle, shifted } from "./test/fake-model";
import { Client, Refusal } from "./wire/client";
import { Tiles } from "./wire/tiles";

interface Entry {
  content: Record<string, unknown>;
  buffer: string;
  expect: never;
}
const file = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../tests/golden/wire.json"), "utf8"),
) as { requests: Batch; replies: Record<string, Entry>; traits: Record<string, never> };
const bytes = (text: string) => Uint8Array.from(Buffer.from(text, "base64"));
const N = 6;

/** Answers whatever is asked with one golden reply. */
function answering(name: string) {
  const model = new FakeModel();
  const client = new Client(model.port(new AbortController().signal));
  const { content, buffer } = file.replies[name] as Entry;
  const answer = async () => {
    await settle();
    const asked = model.requests.at(-1) as Request;
    model.reply({ ...content, client: model.client, id: asked.id }, bytes(buffer));
    await settle();
  };
  return { model, tiles: new Tiles(client, 4, N), client, answer };
}

describe("the golden wire", () => {
  it("has tiles: every cell to half a step, the first token's column exactly", async () => {
    const { tiles, answer } = answering("1");
    tiles.want([[0, 1]], [[1, 0]], "max", tiles.whole, 256, "tile");
    await answer();
    const wanted = file.replies["1"]?.expect as unknown as {
      head: [number, number];
      cells: number[][];
      first: number[];
    }[];
    expect(wanted.length).toBe(2);
    for (const { head, cells, first } of wanted) {
      const tile = tiles.overview(head, "max");
      if (!tile) throw new Error(`no tile of ${head}`);
      for (let q = 0; q < N; q++)
        for (let k = 0; k <= q; k++) {
          const truth = k === 0 ? first[q] : cells[q]?.[k];
          const step = k === 0 ? 0 : tile.scale / 510 + 1e-6;
          const byte = tile.data[q * N + k] as number;
          if (k > 0) expect(valueAt(tile, q, k)).toBe((byte * tile.scale) / 255);
          expect(Math.abs((valueAt(tile, q, k) ?? Number.NaN) - (truth ?? 0))).toBeLessThanOrEqual(
            step,
          );
        }
    }
  });

  it("has pooled tiles of the side that was asked for", async () => {
    const { tiles, answer } = answering("2");
    tiles.want([[1, 1]], [], "mean", tiles.whole, 3, "tile");
    await answer();
    const tile = tiles.at([1, 1], "mean", tiles.whole, 3);
    expect(tile).toMatchObject({ rows: 3, cols: 3, q1: N });
    const packed = bytes((file.replies["2"] as Entry).buffer);
    expect([...(tile?.data ?? [])]).toEqual([...packed.slice(0, 9)]);
    expect([...(tile?.first ?? [])]).toEqual([...new Float32Array(packed.slice(12, 24).buffer)]);
  });

  it("has exact rows, more than were asked for", async () => {
    const { tiles, answer } = answering("3");
    tiles.wantRow([1, 0], 2, "row");
    await answer();
    const rows = file.replies["3"]?.expect as unknown as number[][];
    for (let q = 0; q < N; q++) expect([...(tiles.row([1, 0], q) ?? [])]).toEqual(rows[q]);
  });

  it("has exact columns", async () => {
    const { tiles, answer } = answering("4");
    tiles.wantColumn([0, 0], 1, "column");
    await answer();
    expect([...(tiles.column([0, 0], 1) ?? [])]).toEqual(file.replies["4"]?.expect);
  });

  it.each(["5", "6"])("has what is expected next (%s)", async (name) => {
    const position = name === "5" ? 2 : N - 1;
    const { tiles, answer } = answering(name);
    tiles.wantNext(position, "next");
    await answer();
    const wanted = file.replies[name]?.expect as unknown as { tokens: string[]; actual: string };
    const next = tiles.next(position);
    expect(next?.tokens.map(({ token }) => token)).toEqual(wanted.tokens);
    expect(next?.tokens.map(({ probability }) => probability)).toEqual([0.5, 0.25]);
    expect(next?.actual?.token ?? null).toBe(wanted.actual);
  });

  it("has refusals", async () => {
    const { client, answer } = answering("refused");
    const asked = client.ask({ kind: "next", run: 3, position: 0 }).catch((error) => error);
    await answer();
    const refusal = await asked;
    expect(refusal).toBeInstanceOf(Refusal);
    expect(refusal.reason).toBe("stale");
  });

  it("has requests of the shape the views send", async () => {
    const model = new FakeModel();
    const abort = new AbortController();
    const client = new Client(model.port(abort.signal));
    const tiles = new Tiles(client, 4, N);
    tiles.want([[0, 1]], [[1, 0]], "max", tiles.whole, 256, "tile");
    tiles.wantRow([1, 0], 2, "row");
    tiles.wantColumn([0, 0], 1, "column");
    tiles.wantNext(2, "next");
    client.ask({ kind: "run", text: "blue\ndog" }).catch(() => {});
    client.flush();
    tiles.wantRow([1, 0], 5, "row");
    model.ok(model.last("run"), { kind: "done" });
    client.ask({ kind: "hello", fill: false }).catch(() => {});
    client.ask({ kind: "stop" }).catch(() => {});
    client.ask({ kind: "fix", case: 3, part: "1.mlp", fix: "patch" }).catch(() => {});
    client.ask({ kind: "case", prompt: "blue dog", expected: "seven" }).catch(() => {});
    client.flush();
    for (const kind of ["hello", "stop"] as const) model.ok(model.last(kind), { kind: "done" });
    const push = file.replies.push as Entry;
    model.reply(push.content, bytes(push.buffer));
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 20)));
    client.flush();
    const kinds = new Set(model.requests.map(({ kind }) => kind));
    expect(kinds).toEqual(new Set(file.requests.requests.map(({ kind }) => kind)));
    for (const kind of kinds) {
      const golden = file.requests.requests.find((request) => request.kind === kind);
      const sent = model.requests.find((request) => request.kind === kind);
      // Ids are each side's own.
      const ids = kind === "cancel" ? { id: 0, target: 0 } : { id: 0 };
      expect({ ...sent, ...ids }).toEqual({ ...golden, ...ids });
    }
    expect(Object.keys(model.sent[0] as Batch).sort()).toEqual(Object.keys(file.requests).sort());
    abort.abort();
  });

  it("has a first screen in traits alone, and scores with what is missing", () => {
    const { score_data, picture_data, ...traits } = file.traits as unknown as {
      score_data: string;
      picture_data: string;
      runs: Runs;
      picture: Picture;
      scores: ScoresInfo;
    };
    const model = new FakeModel({
      ...(traits as object),
      score_data: shifted(bytes(score_data)),
      picture_data: shifted(bytes(picture_data)),
    });
    const abort = new AbortController();
    const session = model.session(abort.signal);
    expect(session.tile.value).toMatchObject({ rows: N, cols: N });
    const planes = file.replies.push?.expect as unknown as (number | null)[][];
    const shown = (plane: Float32Array | null | undefined) =>
      plane && [...plane].map((v) => (Number.isNaN(v) ? null : v));
    const [a, b] = session.planes.value;
    expect(shown(a?.value)).toEqual(planes[0]);
    expect(shown(a?.control)).toEqual(planes[1]);
    expect(a?.low).toBeNull();
    expect(shown(b?.value)).toEqual(planes[2]);
    expect(shown(b?.high)).toEqual(planes[4]);
    model.receive({ scores: { planes: 0, scores: [] } });
    expect(session.planes.value).toEqual([]);
    const push = file.replies.push as Entry;
    model.reply(push.content, bytes(push.buffer));
    expect(shown(session.planes.value[0]?.value)).toEqual(planes[0]);
    expect(shown(session.planes.value[1]?.low)).toEqual(planes[3]);
    expect(session.status.value).toEqual(push.content.status);
    expect(session.text.value.tokens[1]).toBe("<img src=x onerror=alert(1)>");
    abort.abort();
    expect(model.listeners).toBe(0);
  });
});
