// The checkpoint that is scrubbed, and the one beside it.
import { grouped } from "../../draw/curves";
import { Slider } from "../../parts/Slider";
import type { Shown } from "./checkpoints";
import { stateSaid } from "./words";

export function Steps(shown: Shown) {
  const { rows, at, other, setAt, setOther, fixed } = shown;
  const { steps } = rows;
  const said = (i: number) => `${grouped(steps[i] ?? 0)}: ${stateSaid(rows, i)}`;
  const shared = { least: 0, most: steps.length - 1, step: 1 };
  return (
    <>
      <Slider
        {...shared}
        name="step"
        label="Step"
        about="The checkpoint that is shown: J and K go from one to the next"
        said="Checkpoint"
        value={at}
        set={setAt}
        locked={fixed.at}
        shown={said(at)}
      />
      <Slider
        {...shared}
        name="other"
        label="beside step"
        about="The checkpoint beside it: Shift and J or K"
        said="The other checkpoint"
        value={other}
        set={setOther}
        locked={fixed.other}
        shown={said(other)}
      />
    </>
  );
}
