// What is selected: clauses over heads, an edge and a cell, each with who made it.
import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";
import type { SelectedCell, SelectedHead } from "../contract.gen";
import type { EdgeAt, HeadAt } from "./address";

/** Who selected: the kernel (Python, or a linked widget), or a part of this page by its name. */
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

/** After a click the picture is asked for first; then Python is told, once for many clicks. */
const TELL_MS = 10;

interface Traits {
  head: ReadonlySignal<SelectedHead>;
  cell: ReadonlySignal<SelectedCell>;
  put: {
    (name: "selected_head", value: SelectedHead): void;
    (name: "selected_cell", value: SelectedCell): void;
  };
  save: () => void;
}

export class Selection {
  readonly heads: ReadonlySignal<Clause<HeadAt[]>>;
  readonly cell: ReadonlySignal<Clause<SelectedCell>>;
  readonly edge: ReadonlySignal<Clause<EdgeAt | null>>;
  #traits: Traits;
  /** The page's latest values and who set them; what differs from them is the kernel's. */
  #made: { heads: Clause<SelectedHead> | null; cell: Clause<SelectedCell> | null } = {
    heads: null,
    cell: null,
  };
  #edge = signal<Clause<EdgeAt | null>>({ value: null, source: "kernel" });
  #telling: ReturnType<typeof setTimeout> | undefined;

  constructor(traits: Traits, abort: AbortSignal) {
    this.#traits = traits;
    this.edge = this.#edge;
    this.heads = computed(() => {
      const at = traits.head.value;
      const made = this.#made.heads;
      const source = made?.value === at ? made.source : "kernel";
      return { value: [[at.layer, at.head]], source };
    });
    this.cell = computed(() => {
      const at = traits.cell.value;
      const made = this.#made.cell;
      return { value: at, source: made?.value === at ? made.source : "kernel" };
    });
    abort.addEventListener("abort", () => {
      // What was selected last is not lost with the view.
      if (this.#telling === undefined) return;
      clearTimeout(this.#telling);
      this.#tell();
    });
  }

  get at(): Selected {
    return { ...this.#traits.head.value, ...this.#traits.cell.value };
  }

  /** What does not change is not sent: Python may be moving it just now. */
  set(change: Partial<Selected>, source: Source): void {
    const { layer, head, query, key } = { ...this.at, ...change };
    batch(() => {
      if ("layer" in change || "head" in change) {
        this.#made.heads = { value: { layer, head }, source };
        this.#traits.put("selected_head", this.#made.heads.value);
      }
      if ("query" in change || "key" in change) {
        this.#made.cell = { value: { query, key }, source };
        this.#traits.put("selected_cell", this.#made.cell.value);
      }
    });
    this.#tellSoon();
  }

  setEdge(edge: EdgeAt | null, source: Source): void {
    this.#edge.value = { value: edge, source };
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
