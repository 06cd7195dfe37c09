// Colours as numbers: what the browser's colour strings mean, and OKLab, in which equal steps look equal.
// OKLab after Björn Ottosson, https://bottosson.github.io/posts/oklab/.

/** Red, green, blue of sRGB, each 0 to 1. */
export type Rgb = readonly [number, number, number];
/** Lightness 0 to 1, and the two colour axes. */
export type Lab = readonly [number, number, number];
export interface Colour {
  rgb: Rgb;
  alpha: number;
}

const linear = (v: number): number => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
const gamma = (v: number): number => (v <= 0.0031308 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055);
const unit = (v: number): number => Math.min(1, Math.max(0, v));

export function toLab(rgb: Rgb): Lab {
  const [r, g, b] = rgb.map(linear) as unknown as Rgb;
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** May lie outside 0 to 1, where sRGB has no such colour. */
function unclipped([L, a, b]: Lab): Rgb {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    gamma(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    gamma(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    gamma(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

const displayable = (rgb: Rgb): boolean => rgb.every((v) => v > -1e-4 && v < 1.0001);

/** The nearest colour a screen has: lightness and hue are kept, chroma gives way. */
export function fromLab(lab: Lab): Rgb {
  let rgb = unclipped(lab);
  if (!displayable(rgb)) {
    let low = 0;
    let high = 1;
    for (let i = 0; i < 16; i++) {
      const part = (low + high) / 2;
      if (displayable(unclipped([lab[0], lab[1] * part, lab[2] * part]))) low = part;
      else high = part;
    }
    rgb = unclipped([lab[0], lab[1] * low, lab[2] * low]);
  }
  return rgb.map(unit) as unknown as Rgb;
}

/** `degrees` of hue as a direction of length `chroma`. */
export function polar(lightness: number, chroma: number, degrees: number): Lab {
  const angle = (degrees * Math.PI) / 180;
  return [lightness, chroma * Math.cos(angle), chroma * Math.sin(angle)];
}

/** Relative luminance, as WCAG 2 has it. */
export function luminance([r, g, b]: Rgb): number {
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}

/** WCAG 2 contrast ratio, 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [x, y] = [luminance(a) + 0.05, luminance(b) + 0.05];
  return x > y ? x / y : y / x;
}

/** `top` painted over an opaque colour. */
export function over(top: Colour, under: Rgb): Rgb {
  return under.map((v, i) => v + ((top.rgb[i] ?? 0) - v) * top.alpha) as unknown as Rgb;
}

export function hex(rgb: Rgb): string {
  return `#${rgb
    .map((v) =>
      Math.round(unit(v) * 255)
        .toString(16)
        .padStart(2, "0"),
    )
    .join("")}`;
}

/**
 * A colour string as computed styles give it: hex, rgb(), color(srgb ...), oklab(), oklch(), and the
 * three keywords that themes use. null for any other.
 */
export function parseColour(text: string): Colour | null {
  const s = text.trim().toLowerCase();
  if (s === "transparent") return { rgb: [0, 0, 0], alpha: 0 };
  if (s === "white") return { rgb: [1, 1, 1], alpha: 1 };
  if (s === "black") return { rgb: [0, 0, 0], alpha: 1 };
  if (s.startsWith("#")) return parseHex(s.slice(1));
  const call = /^([a-z]+)\(([^()]*)\)$/.exec(s);
  if (!call) return null;
  let words = (call[2] ?? "").split(/[\s,/]+/).filter((word) => word !== "");
  let name = call[1];
  if (name === "color") {
    if (words[0] !== "srgb") return null;
    words = words.slice(1);
    name = "srgb";
  }
  if (words.length !== 3 && words.length !== 4) return null;
  const at = (i: number, whole: number): number => {
    const word = words[i] ?? "1";
    if (word === "none") return 0;
    return word.endsWith("%") ? (Number(word.slice(0, -1)) / 100) * whole : Number.parseFloat(word);
  };
  const alpha = unit(at(3, 1));
  const rgb = functional(name, at);
  return rgb && [...rgb, alpha].every(Number.isFinite) ? { rgb, alpha } : null;
}

function functional(
  name: string | undefined,
  at: (i: number, whole: number) => number,
): Rgb | null {
  switch (name) {
    case "rgb":
    case "rgba":
      return [unit(at(0, 255) / 255), unit(at(1, 255) / 255), unit(at(2, 255) / 255)];
    case "srgb":
      return [unit(at(0, 1)), unit(at(1, 1)), unit(at(2, 1))];
    case "oklab":
      return fromLab([at(0, 1), at(1, 0.4), at(2, 0.4)]);
    case "oklch":
      return fromLab(polar(at(0, 1), at(1, 0.4), at(2, 360)));
    default:
      return null;
  }
}

function parseHex(digits: string): Colour | null {
  if (!/^([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$/.test(digits)) return null;
  const wide = digits.length <= 4 ? digits.replace(/./g, "$&$&") : digits;
  const byte = (i: number): number => Number.parseInt(wide.slice(i, i + 2), 16) / 255;
  return { rgb: [byte(0), byte(2), byte(4)], alpha: wide.length === 8 ? byte(6) : 1 };
}
