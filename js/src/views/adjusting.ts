// A slider of a view: a parameter, with the range and the words that Python declares for it.
import type { Session } from "../model/session";

interface Range {
  label: string;
  least: number;
  most: number;
  step: number;
  value: number;
}

export interface Adjusting extends Range {
  /** The last word of the parameter's name. */
  name: string;
  about: string;
  locked: boolean;
  set: (value: number) => void;
}

/** first: what it is where Python declares nothing. */
export function adjusting({ params }: Session, name: string, first: Range): Adjusting {
  const control = params.control(name);
  const value = params.number(name).value;
  return {
    name: name.split(".").at(-1) ?? name,
    label: control?.label || first.label,
    about: control?.about ?? "",
    locked: control?.locked ?? false,
    least: control?.least ?? first.least,
    most: control?.most ?? first.most,
    step: control?.step ?? first.step,
    value: Number.isNaN(value) ? first.value : value,
    set: (value) => params.set(name, value),
  };
}
