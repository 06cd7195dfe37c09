// One run of the model: its text, and what is known of it so far.
import { effect, type ReadonlySignal, signal } from "@preact/signals";
import type { Run as RunInfo, Runs } from "../contract.gen";
import type { Client } from "../wire/client";
import { Tiles } from "../wire/tiles";

export class Run {
  readonly tiles: Tiles;

  constructor(
    client: Client,
    readonly text: RunInfo,
  ) {
    this.tiles = new Tiles(client, text.id, text.tokens.length);
  }

  /** Whether the kernel can be asked about it. */
  get live(): boolean {
    return this.text.live && this.tiles.n > 0;
  }

  get lastToken(): number {
    return Math.max(0, this.tiles.n - 1);
  }
}

/** A widget shows one of its runs. */
export function currentOf({ current, all }: Runs): RunInfo {
  return all.find(({ id }) => id === current) ?? NO_RUN;
}

const NO_RUN: RunInfo = {
  ...{ id: 0, model: "", n_layers: 0, n_heads: 0, tokens: [], prompt: "", interventions: [] },
  ...{ has_bos: false, seconds: null, live: false, label: "", kept: [] },
};

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
