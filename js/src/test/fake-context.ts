// For the tests: a 2D context that writes down what was drawn, in which colours.

export interface Drawn {
  what: string;
  args: unknown[];
  fill: string;
  stroke: string;
  font: string;
}

export interface FakeContext {
  ctx: CanvasRenderingContext2D;
  drawn: Drawn[];
  /** The texts, in order, with their colour. */
  texts(): { text: string; fill: string }[];
  of(what: string): Drawn[];
}

/** Every character is 6 px wide. `ratio`: device pixels a CSS px. */
export function fakeContext(ratio = 1): FakeContext {
  const drawn: Drawn[] = [];
  const state: Record<string, unknown> = { fillStyle: "", strokeStyle: "", font: "" };
  const depth = { saved: 0 };
  const special: Record<string, (...args: unknown[]) => unknown> = {
    measureText: (text) => ({ width: Array.from(String(text)).length * 6 }),
    getTransform: () => ({ a: ratio }),
  };
  const ctx = new Proxy(state, {
    get(target, name) {
      const key = String(name);
      if (key in special) return special[key];
      if (key in target) return target[key];
      return (...args: unknown[]) => {
        if (key === "save") depth.saved++;
        if (key === "restore" && depth.saved-- === 0) throw new Error("restore without save");
        const { fillStyle, strokeStyle, font } = target;
        drawn.push({
          what: key,
          args,
          fill: String(fillStyle),
          stroke: String(strokeStyle),
          font: String(font),
        });
      };
    },
    set(target, name, value) {
      target[String(name)] = value;
      return true;
    },
  });
  const of = (what: string): Drawn[] => drawn.filter((d) => d.what === what);
  return {
    ctx: ctx as unknown as CanvasRenderingContext2D,
    drawn,
    of,
    texts: () => of("fillText").map((d) => ({ text: String(d.args[0]), fill: d.fill })),
  };
}
