import { describe, expect, it } from "vitest";
import { darkTheme, lightTheme } from "../test/fake-theme";
import { css, cssOf, diverging, pack, sequential } from "./color";
import { contrast, type Lab, parseColour, type Rgb, toLab } from "./oklab";
import type { Theme } from "./theme";

// Pages that notebooks really have: plain, JupyterLab, VS Code, Solarized, Dracula, sepia.
const themes: Theme[] = [
  ...["#ffffff", "#fdf6e3", "#f3f3f3"].map((page) => ({ ...lightTheme, page })),
  ...["#14181d", "#111111", "#1f1f1f", "#002b36", "#282a36"].map((page) => ({
    ...darkTheme,
    page,
  })),
];

const rgbs = (table: Uint32Array): Rgb[] =>
  Array.from(table, (entry) => parseColour(cssOf(entry))?.rgb ?? [Number.NaN, 0, 0]);
const distance = (a: Lab, b: Lab): number => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
const at = <T>(list: readonly T[], i: number): T => list[i] as T;

/** Machado, Oliveira and Fernandes (2009), severity 1, in linear light. */
const BLIND = {
  protanopia: [
    0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998,
  ],
  deuteranopia: [
    0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881,
  ],
};

function seen(rgb: Rgb, m: number[]): Lab {
  const light = rgb.map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  const out = [0, 3, 6].map((row) => {
    const v = light.reduce((sum, c, i) => sum + c * at(m, row + i), 0);
    const clipped = Math.min(1, Math.max(0, v));
    return clipped <= 0.0031308 ? clipped * 12.92 : 1.055 * clipped ** (1 / 2.4) - 0.055;
  });
  return toLab(out as unknown as Rgb);
}

describe.each(themes)("sequential on $page", (theme) => {
  const colours = rgbs(sequential(theme));
  const labs = colours.map(toLab);
  const direction = theme.dark ? 1 : -1;

  it("starts at exactly the page's colour", () => {
    expect(sequential(theme)[0]).toBe(pack(theme.page));
    expect(css(sequential(theme), 0)).toBe(cssOf(pack(theme.page)));
  });

  it("is opaque", () => {
    expect(sequential(theme).every((entry) => entry >>> 24 === 255)).toBe(true);
  });

  it("has a lightness that is linear to half a percent and never turns back", () => {
    const [from, to] = [at(labs, 0)[0], at(labs, 255)[0]];
    for (const [i, lab] of labs.entries()) {
      expect(Math.abs(lab[0] - (from + ((to - from) * i) / 255))).toBeLessThan(0.005);
      if (i > 0) expect((lab[0] - at(labs, i - 1)[0]) * direction).toBeGreaterThan(0);
    }
  });

  it("makes equal steps of data look equal", () => {
    const steps = Array.from({ length: 31 }, (_, i) =>
      distance(at(labs, i * 8), at(labs, i * 8 + 8)),
    );
    expect(Math.max(...steps) / Math.min(...steps)).toBeLessThan(1.25);
  });

  it("uses most of the lightness there is", () => {
    expect(Math.abs(at(labs, 255)[0] - at(labs, 0)[0])).toBeGreaterThan(0.65);
  });

  it.each(Object.entries(BLIND))("keeps its order with %s", (_, matrix) => {
    const lightness = colours.map((rgb) => seen(rgb, matrix)[0]);
    for (let i = 4; i < 256; i++) {
      expect((at(lightness, i) - at(lightness, i - 4)) * direction).toBeGreaterThan(0);
    }
  });

  it("can be told from the accent at its far end", () => {
    const accent = parseColour(theme.accent)?.rgb ?? [0, 0, 0];
    expect(contrast(accent, at(colours, 255))).toBeGreaterThan(3);
    expect(contrast(accent, at(colours, 0))).toBeGreaterThan(3);
  });
});

describe.each(themes)("diverging on $page", (theme) => {
  const colours = rgbs(diverging(theme));
  const labs = colours.map(toLab);

  it("has the page's colour at zero, and zero at the middle", () => {
    expect(diverging(theme)[128]).toBe(pack(theme.page));
    expect(css(diverging(theme), 0.5)).toBe(cssOf(pack(theme.page)));
  });

  it("gets steadily further from the page on both sides, equally far in lightness", () => {
    const direction = theme.dark ? 1 : -1;
    for (let i = 1; i < 128; i++) {
      expect((at(labs, 128 + i)[0] - at(labs, 127 + i)[0]) * direction).toBeGreaterThan(0);
      expect((at(labs, 128 - i)[0] - at(labs, 129 - i)[0]) * direction).toBeGreaterThan(0);
    }
    expect(Math.abs(at(labs, 0)[0] - at(labs, 255)[0])).toBeLessThan(0.01);
  });

  it.each(Object.entries(BLIND))("keeps its sides apart with %s", (_, matrix) => {
    for (const i of [32, 64, 100, 127]) {
      const apart = distance(
        seen(at(colours, 128 - i), matrix),
        seen(at(colours, 128 + i), matrix),
      );
      // A just noticeable difference is about 0.02.
      expect(apart).toBeGreaterThan(0.05);
    }
  });
});

it("clips what is outside 0 to 1, and shows a NaN as nothing", () => {
  const table = sequential(lightTheme);
  expect(css(table, 7)).toBe(css(table, 1));
  expect(css(table, -1)).toBe(css(table, 0));
  expect(css(table, Number.NaN)).toBe(css(table, 0));
});

it("hands out the same table for the same theme", () => {
  expect(sequential(lightTheme)).toBe(sequential({ ...lightTheme, ink: "#000000" }));
  expect(sequential(lightTheme)).not.toBe(sequential(darkTheme));
});

it("packs as ImageData has it in memory", () => {
  expect(Array.from(new Uint8Array(Uint32Array.of(pack("#102030")).buffer))).toEqual([
    0x10, 0x20, 0x30, 255,
  ]);
});
