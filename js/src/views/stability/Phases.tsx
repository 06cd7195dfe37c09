// The phases of a training, each with how sure its ends are; one that is chosen is shown by its ends.
import { useMemo } from "preact/hooks";
import { grouped } from "../../draw/curves";
import { isThere } from "../../draw/number";
import { Table } from "../../parts/Table";
import type { TableColumn } from "../../parts/table-columns";
import type { Shown } from "./checkpoints";
import { nearest } from "./training-rows";

const KINDS: Readonly<Record<string, string>> = { absent: "no circuit" };
const ABOUT =
  "Unstable: each checkpoint differs from the next by more than two draws of the prompts inside one checkpoint do. Stable: none does. No circuit: at one end or both.";

export function Phases({ rows, at, other, setAt, setOther }: Shown) {
  const { phases, steps, members } = rows;
  const columns = useMemo<TableColumn[]>(() => {
    const end = (name: "first" | "last", label: string): TableColumn => {
      const ends = phases.map(({ begins, ends }) => (name === "first" ? begins : ends));
      return {
        ...{ kind: "number", name, label, values: phases.map((phase) => phase[name]) },
        write: (value) => (isThere(value) ? grouped(value) : "–"),
        about: `Beside it the ${members.interval}, by drawing other prompts, as steps that have a checkpoint.`,
        note: (row) => spanOf(ends[row]),
      };
    };
    return [
      {
        ...{ kind: "text", name: "kind", label: "phase", about: ABOUT, strong: true },
        values: phases.map(({ kind }) => KINDS[kind] ?? kind),
      },
      end("first", "from"),
      end("last", "to"),
      {
        ...{ kind: "number", name: "support", label: "draws" },
        values: phases.map(({ support }) => support),
        about: "In which share of the draws of other prompts there is such a phase that meets it.",
      },
    ];
  }, [phases, members.interval]);
  const chosen = phases.findIndex(
    ({ first, last }) => nearest(steps, first) === at && nearest(steps, last) === other,
  );
  return (
    <Table
      name="phases"
      title="Phases"
      {...{ columns, rows: phases.length, selected: chosen < 0 ? null : chosen }}
      order=""
      select={(row) => {
        const phase = phases[row];
        if (!phase) return;
        setAt(nearest(steps, phase.first));
        setOther(nearest(steps, phase.last));
      }}
      empty="No phases are known yet."
    />
  );
}

/** An end that every draw has at the same step needs no interval. */
function spanOf(span: readonly [number, number] | undefined): string {
  if (!span || span[0] < 0 || span[0] === span[1]) return "";
  return `${grouped(span[0])} to ${grouped(span[1])}`;
}
