// One run of the model: its text, and what is known of it so far.
import { effect, type ReadonlySignal, signal } from "@preact/signals";
import type { Text } from "../contract.gen";
import type { Client } from "../wire/client";
import { Tiles } from "../wire/tiles";

export class Run {
  readonly tiles: Tiles;

  constructor(
    client: Client,
    readonly text: Text,
  ) {
    this.tiles = new Tiles(client, text.gen, text.tokens.length);
  }

  /** Whether the kernel can be asked about it. */
  get live(): boolean {
    return this.text.live && this.tiles.n > 0;
  }

  get lastToken(): number {
    return Math.max(0, this.tiles.n - 1);
  }
}

/** A picture that is about to be replaced stays; one that is not would lie. */
const STALE_MS = 150;

/** A signal that keeps its last value for a moment when there is none. */
export function hold<T>(source: ReadonlySignal<T | null>): {
  shown: ReadonlySignal<T | null>;
  end: () => void;
} {
  const shown = signal<T | null>(null);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = effect(() => {
    const value = source.value;
    clearTimeout(timer);
    if (value !== null) shown.value = value;
    else
      timer = setTimeout(() => {
        shown.value = null;
      }, STALE_MS);
  });
  return {
    shown,
    end: () => {
      clearTimeout(timer);
      end();
    },
  };
}
