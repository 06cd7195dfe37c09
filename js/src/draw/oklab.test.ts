import { describe, expect, it } from "vitest";
import { contrast, fromLab, hex, over, parseColour, polar, toLab } from "./oklab";

describe("parseColour", () => {
  it.each([
    ["#fff", [1, 1, 1], 1],
    ["#F00", [1, 0, 0], 1],
    ["#11223380", [0x11 / 255, 0x22 / 255, 0x33 / 255], 128 / 255],
    ["#0f08", [0, 1, 0], 0x88 / 255],
    ["rgb(255, 0, 51)", [1, 0, 0.2], 1],
    ["rgba(0, 0, 0, 0.87)", [0, 0, 0], 0.87],
    ["rgb(100% 0% 20% / 50%)", [1, 0, 0.2], 0.5],
    ["color(srgb 0.1 0.2 0.3)", [0.1, 0.2, 0.3], 1],
    ["color(srgb 0.1 none 0.3 / 0.4)", [0.1, 0, 0.3], 0.4],
    ["transparent", [0, 0, 0], 0],
    [" White ", [1, 1, 1], 1],
  ])("reads %s", (text, rgb, alpha) => {
    const colour = parseColour(text);
    expect(colour?.alpha).toBeCloseTo(alpha, 6);
    for (const [i, v] of rgb.entries()) expect(colour?.rgb[i]).toBeCloseTo(v, 6);
  });

  it("reads oklab and oklch as the same colour", () => {
    const a = parseColour("oklch(0.586 0.185 38)");
    const [l, x, y] = polar(0.586, 0.185, 38);
    const b = parseColour(`oklab(${l} ${x} ${y})`);
    expect(hex(a?.rgb ?? [0, 0, 0])).toBe("#d2460f");
    expect(hex(b?.rgb ?? [0, 0, 0])).toBe("#d2460f");
  });

  it.each([
    "",
    "red-ish",
    "#12",
    "#ggg",
    "rgb(1, 2)",
    "rgb(a, b, c)",
    "var(--x)",
    "color(display-p3 1 0 0)",
  ])("does not guess at %j", (text) => expect(parseColour(text)).toBeNull());
});

describe("OKLab", () => {
  it("goes there and back", () => {
    for (const text of ["#000000", "#ffffff", "#d2460f", "#14181d", "#4e85d0", "#00ff00"]) {
      expect(hex(fromLab(toLab(parseColour(text)?.rgb ?? [0, 0, 0])))).toBe(text);
    }
  });

  it("has white at 1 and black at 0", () => {
    expect(toLab([1, 1, 1])[0]).toBeCloseTo(1, 4);
    expect(toLab([0, 0, 0])[0]).toBeCloseTo(0, 6);
  });

  it("gives up chroma, not lightness, where a screen has no such colour", () => {
    const lab = toLab(fromLab(polar(0.6, 0.4, 150)));
    expect(lab[0]).toBeCloseTo(0.6, 2);
    expect((Math.atan2(lab[2], lab[1]) * 180) / Math.PI).toBeCloseTo(150, 0);
  });
});

it("contrast and over follow their definitions", () => {
  expect(contrast([0, 0, 0], [1, 1, 1])).toBeCloseTo(21, 5);
  expect(hex(over({ rgb: [0, 0, 0], alpha: 0.5 }, [1, 1, 1]))).toBe("#808080");
});
