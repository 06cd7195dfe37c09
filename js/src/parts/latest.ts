// Props for an effect that draws: it runs again when one of them changes, after the rendering.
import { type ReadonlySignal, useSignal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";

/** Values as one signal. It is not written while rendering, and not when all are as they were. */
export function useLatest<T extends object>(values: T): ReadonlySignal<T> {
  const latest = useSignal(values);
  useLayoutEffect(() => {
    const before = latest.peek();
    const names = Object.keys(values) as (keyof T)[];
    if (names.some((name) => before[name] !== values[name])) latest.value = values;
  });
  return latest;
}
