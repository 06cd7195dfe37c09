// What is selected: clauses over heads, an edge and a cell, each with who made it.
import { batch, computed, type ReadonlySignal } from "@preact/signals";
import type { SelectedCell, SelectedEdge, SelectedHead } from "../contract.gen";
import type { Echoes } from "../wire/echoes";
import { type EdgeAt, type HeadAt, sameEdge } from "./address";

/** Who selected: the kernel (Python, or a linked widget), another page, or a part of this one. */
export type Source = "kernel" | (string & {});

export interface Clause<T> {
  value: T;
  source: Source;
}

export interface Selected {
  layer: number;
  head: number;
  query: number | null;
  key: number | null;
}

export interface CellAt {
  query: number | null;
  key: number | null;
}

/** After a click the picture is asked for first; then Python is told, once for many clicks. */
const TELL_MS = 10;

export interface SelectionTraits {
  selected_head: SelectedHead;
  selected_cell: SelectedCell;
  selected_edge: SelectedEdge;
}

interface Traits {
  live: { [K in keyof SelectionTraits]: ReadonlySignal<SelectionTraits[K]> };
  put: <K extends keyof SelectionTraits>(name: K, value: SelectionTraits[K]) => void;
  save: () => void;
  echoes: Echoes;
}

export class Selection {
  readonly heads: ReadonlySignal<Clause<HeadAt[]>>;
  readonly cell: ReadonlySignal<Clause<CellAt>>;
  readonly edge: ReadonlySignal<Clause<EdgeAt | null>>;
  #traits: Traits;
  /** Which part of this page made the latest of each. */
  #parts: Partial<Record<keyof SelectionTraits, Source>> = {};
  #telling: ReturnType<typeof setTimeout> | undefined;

  constructor(traits: Traits, abort: AbortSignal) {
    this.#traits = traits;
    const { live } = traits;
    this.heads = computed(() => {
      const { layer, head } = live.selected_head.value;
      return { value: [[layer, head]], source: this.#sourceOf("selected_head") };
    });
    this.cell = computed(() => {
      const { query, key } = live.selected_cell.value;
      return { value: { query, key }, source: this.#sourceOf("selected_cell") };
    });
    this.edge = computed(() => {
      const { sender, receiver } = live.selected_edge.value;
      const value = sender && receiver ? { sender, receiver } : null;
      return { value, source: this.#sourceOf("selected_edge") };
    });
    abort.addEventListener("abort", () => {
      // What was selected last is not lost with the view.
      if (this.#telling === undefined) return;
      clearTimeout(this.#telling);
      this.#tell();
    });
  }

  get at(): Selected {
    const { layer, head } = this.#traits.live.selected_head.value;
    return { layer, head, ...this.cell.value.value };
  }

  set(change: Partial<Selected>, source: Source): void {
    const { layer, head, query, key } = { ...this.at, ...change };
    batch(() => {
      if ("layer" in change || "head" in change)
        this.#put("selected_head", { layer, head }, source);
      if ("query" in change || "key" in change) this.#put("selected_cell", { query, key }, source);
    });
    this.#tellSoon();
  }

  setEdge(edge: EdgeAt | null, source: Source): void {
    if (sameEdge(edge, this.edge.peek().value)) return;
    const { sender, receiver } = edge ?? { sender: null, receiver: null };
    this.#put("selected_edge", { sender, receiver }, source);
    this.#tellSoon();
  }

  #put<K extends keyof SelectionTraits>(
    name: K,
    value: Omit<SelectionTraits[K], "source" | "seq">,
    source: Source,
  ): void {
    const now = this.#traits.live[name].peek();
    const same = Object.entries(value).every(([part, of]) => now[part as keyof typeof now] === of);
    // What does not change is not sent: Python may be moving it just now.
    if (same) return;
    this.#parts[name] = source;
    const stamp = this.#traits.echoes.next(name);
    this.#traits.put(name, { ...value, ...stamp } as SelectionTraits[K]);
  }

  #sourceOf(name: keyof SelectionTraits): Source {
    const { source } = this.#traits.live[name].value;
    return source === this.#traits.echoes.source ? (this.#parts[name] ?? source) : source;
  }

  #tellSoon(): void {
    clearTimeout(this.#telling);
    this.#telling = setTimeout(() => this.#tell(), TELL_MS);
  }

  #tell(): void {
    this.#telling = undefined;
    this.#traits.save();
  }
}
