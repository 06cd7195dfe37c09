// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { fakeContext } from "../test/fake-context";
import { lightTheme } from "../test/fake-theme";
import { drawThumbnails, drawThumbnailsOver, heightOf, hitThumbnail } from "./thumbnails";

const o = { names: ["0.0", "0.1", "1.0"], pictures: [null, null, null], theme: lightTheme };

describe("small pictures", () => {
  it("stand in as many columns as there is room for, and at least in one", () => {
    expect([heightOf(3, 200), heightOf(3, 110), heightOf(3, 10)]).toEqual([60, 128, 196]);
  });

  it("are found by their place, the space between rows included, and no further", () => {
    expect(hitThumbnail(3, 110, 60, 10)).toBe(1);
    expect(hitThumbnail(3, 110, 10, 90)).toBe(2);
    expect([hitThumbnail(3, 110, 60, 90), hitThumbnail(3, 110, 400, 10)]).toEqual([null, null]);
  });

  it("have names; the selected one's is drawn over the others", () => {
    const { ctx, texts } = fakeContext();
    drawThumbnails(ctx, { ...o, width: 200 });
    drawThumbnailsOver(ctx, { ...o, width: 200 }, { selected: 1, hover: null });
    expect(texts().map(({ text }) => text)).toEqual(["0.0", "0.1", "1.0", "0.1"]);
    expect(texts().at(-1)?.fill).toBe(lightTheme.accent);
  });
});
