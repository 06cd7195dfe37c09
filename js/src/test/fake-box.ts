// For the tests: every observed element has one size, and every canvas a context that remembers.
import { vi } from "vitest";
import { type FakeContext, fakeContext } from "./fake-context";

/** Contexts by canvas. Call before rendering; `vi.unstubAllGlobals` takes it back. */
export function fakeBoxes(width: number, height: number): Map<HTMLCanvasElement, FakeContext> {
  const contexts = new Map<HTMLCanvasElement, FakeContext>();
  vi.stubGlobal(
    "ResizeObserver",
    class {
      constructor(private readonly tell: (entries: unknown[]) => void) {}
      observe() {
        this.tell([{ contentRect: { width, height } }]);
      }
      unobserve() {}
      disconnect() {}
    },
  );
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockImplementation(function (
    this: HTMLCanvasElement,
  ) {
    const known = contexts.get(this) ?? fakeContext();
    contexts.set(this, known);
    Object.assign(known.ctx, { canvas: this });
    return known.ctx as never;
  });
  return contexts;
}
