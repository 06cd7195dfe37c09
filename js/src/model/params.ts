// Every slider, threshold and choice by name: read here, in Python, and in a saved notebook.

import { computed, type ReadonlySignal } from "@preact/signals";
import type { Control } from "../contract.gen";

export type { Control } from "../contract.gen";
export type ParamValue = number | string | boolean;
export type ParamValues = Readonly<Record<string, ParamValue>>;

/** Choices whose values the page's own code names. */
interface Known {
  first: "show" | "dim" | "hide";
  scale: "head" | "shared";
  pooling: "max" | "mean";
  direction: "from" | "to";
}
type ChoiceOf<K> = K extends keyof Known ? Known[K] : string;

interface Source {
  values: ReadonlySignal<ParamValues>;
  controls: ReadonlySignal<readonly Control[]>;
  /** Sets all values, and tells Python. */
  put: (values: ParamValues) => void;
}

export class Params {
  readonly controls: ReadonlySignal<readonly Control[]>;
  #source: Source;
  #signals = new Map<string, ReadonlySignal<ParamValue | undefined>>();

  constructor(source: Source) {
    this.#source = source;
    this.controls = source.controls;
  }

  control(name: string): Control | null {
    return this.controls.value.find((control) => control.name === name) ?? null;
  }

  /** NaN where there is no such parameter. */
  number(name: string): ReadonlySignal<number> {
    return this.#as("number", name, (value) => (typeof value === "number" ? value : Number.NaN));
  }

  /** "" where there is no such parameter. */
  choice<K extends string>(name: K): ReadonlySignal<ChoiceOf<K>> {
    const read = (value?: ParamValue) => (typeof value === "string" ? value : "") as ChoiceOf<K>;
    return this.#as("choice", name, read);
  }

  flag(name: string): ReadonlySignal<boolean> {
    return this.#as("flag", name, (value) => value === true);
  }

  /** Sets what it can take: a number inside its range, a choice that exists, none that is locked. */
  set(name: string, value: ParamValue): void {
    const control = this.control(name);
    const taken = control?.locked ? null : fit(value, control);
    const values = this.#source.values.peek();
    if (taken === null || values[name] === taken) return;
    this.#source.put({ ...values, [name]: taken });
  }

  /** Puts back what Python declared, for all names that begin so. */
  reset(prefix: string): void {
    const values = { ...this.#source.values.peek() };
    for (const { name, value, locked } of this.controls.peek())
      if (name.startsWith(prefix) && !locked) values[name] = value;
    this.#source.put(values);
  }

  /** One signal a name, however often it is asked for. */
  #as<T>(
    kind: Control["kind"],
    name: string,
    read: (value: ParamValue | undefined) => T,
  ): ReadonlySignal<T> {
    const key = `${kind} ${name}`;
    const known = this.#signals.get(key);
    if (known) return known as unknown as ReadonlySignal<T>;
    const made = computed(() => read(this.#source.values.value[name] ?? this.control(name)?.value));
    this.#signals.set(key, made as unknown as ReadonlySignal<ParamValue>);
    return made;
  }
}

/** The value as a control takes it; null where it takes nothing like it. */
function fit(value: ParamValue, control: Control | null): ParamValue | null {
  if (control === null) return value;
  if (control.kind === "flag") return typeof value === "boolean" ? value : null;
  if (control.kind === "choice") {
    if (typeof value !== "string") return null;
    const known = control.choices.length === 0 || control.choices.some((c) => c.value === value);
    return known ? value : null;
  }
  if (typeof value !== "number" || Number.isNaN(value)) return null;
  const { least, most } = control;
  return Math.min(most ?? value, Math.max(least ?? value, value));
}
