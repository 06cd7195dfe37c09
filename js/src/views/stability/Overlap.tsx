// How alike the circuits of every two models are, and how well one's circuit does in the other.
import type { ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { fixed, interval, isThere } from "../../draw/number";
import type { Theme } from "../../draw/theme";
import { Choice } from "../../parts/Choice";
import { Heat } from "../../parts/Heat";
import type { ModelsRows, Order, Pairs } from "./models-rows";

/** Of so many models each cell has its number. */
const FEW = 12;

const SAID: Readonly<Record<Order, { label: string; unit: string; note: string; about: string }>> =
  {
    overlap: {
      label: "edges",
      unit: "over chance",
      note: "diagonal: halves of the prompts",
      about:
        "Two models are compared on the same prompts. On the diagonal: one model's circuits found on two halves of the prompts, which says what other prompts alone change.",
    },
    role_overlap: {
      label: "roles",
      unit: "over chance",
      note: "heads, wherever they are",
      about: "How the circuits' heads attend, wherever they are.",
    },
    correlation: {
      label: "scores",
      unit: "rank correlation",
      note: "of all edges",
      about: "Of the scores of all edges; hatched where the models differ in shape.",
    },
  };

interface Props {
  rows: ModelsRows;
  theme: ReadonlySignal<Theme>;
  pair: readonly [a: number, b: number];
  choose: (a: number, b: number) => void;
}

interface OverlapProps extends Props {
  order: Order;
  setOrder: (order: Order) => void;
}

export function Overlap({ rows, theme, pair, choose, order, setOrder }: OverlapProps) {
  const { name } = rows.members;
  const pairs = rows.by[order];
  const cells = useMemo(() => overlapCells(rows, order), [rows, order]);
  const { label, unit, note, about } = SAID[order];
  const said = (a: number, b: number) => {
    if (a === b && order === "overlap")
      return `${name[a]}: two halves of the prompts ${estimate(rows.halves, a, b)}`;
    if (a === b) return `${name[a]} with itself`;
    const both = `${name[a]} and ${name[b]}`;
    const by = rows.comparedBy(a, b);
    if (by === "") return `${both}: one has no circuit`;
    if (!isThere(pairs.value.at(a, b)))
      return `${both}: ${by === "edges" || order !== "correlation" ? ALL : APART}`;
    const than = order === "overlap" ? ` by ${by}` : "";
    const sure = pairs.value.at(a, b) > (pairs.bar?.at(a, b) ?? Number.NEGATIVE_INFINITY);
    return `${both}: ${estimate(pairs, a, b)}${than}${sure ? "" : ", not above chance"}`;
  };
  return (
    <>
      <div class="toolbar">
        <h3>
          Overlap{" "}
          <span class="quiet explained" title={about}>
            {note}
          </span>
        </h3>
        <Choice
          label="Compare by"
          options={(Object.keys(SAID) as Order[]).map((value) => ({
            ...{ value, label: SAID[value].label, about: rows.by[value].about },
          }))}
          value={order}
          choose={setOrder}
        />
      </div>
      <Square
        {...{ rows, theme, pair, choose, cells, said }}
        name="overlap"
        label={`${pairs.title} by ${label}, of every two models.`}
        axes={["model", "model"]}
        scale={{ least: -1, most: 1, signed: true, unit }}
        write={two}
      />
    </>
  );
}

export function Transfer({ rows, theme, pair, choose }: Props) {
  const { name } = rows.members;
  const { value } = rows.transfer;
  const cells = useMemo(() => valuesOf(value.values, name.length), [value, name]);
  const said = (a: number, b: number) => {
    const whose = a === b ? `the circuit of ${name[a]} in itself` : `of ${name[a]} in ${name[b]}`;
    const random = rows.transfer.null?.at(a, b);
    if (!isThere(value.at(a, b))) {
      if (rows.comparedBy(a, b) !== "edges") return `${whose}: cannot be run, their shapes differ`;
      const why = isThere(random) ? "no number," : "not run yet, or";
      return `${whose}: ${why} clean minus corrupt may be 0 in ${name[b]}`;
    }
    const beside = isThere(random) ? `; heads in random places ${fixed(random)}` : "";
    const which = rows.heldOut ? "other prompts" : "the same prompts";
    return `${whose}, on ${which}: ${estimate(rows.transfer, a, b)}${beside}`;
  };
  return (
    <>
      <h3>
        Transfer <span class="quiet">one model's circuit run in another</span>
      </h3>
      <Square
        {...{ rows, theme, pair, choose, cells, said }}
        name="transfer"
        label="Faithfulness of the circuit of each model (rows) in each model (columns)."
        axes={["circuit", "in"]}
        scale={{ least: 0, most: 1, signed: false, unit: "faithfulness" }}
        write={percent}
      />
    </>
  );
}

/** Of pairs without a number. */
const ALL = "no number, chance alone gives the most";
const APART = "not comparable, their shapes differ";
const two = (value: number): string => fixed(value);
const percent = (value: number): string => `${fixed(100 * value, 0)} %`;

interface SquareProps extends Props {
  name: string;
  label: string;
  axes: readonly [rows: string, cols: string];
  cells: { rows: number; cols: number; values: Float32Array; faint?: Uint8Array };
  scale: { least: number; most: number; signed: boolean; unit: string };
  write: (value: number) => string;
  said: (a: number, b: number) => string;
}

function Square(props: SquareProps) {
  const { rows, theme, pair, choose, cells, said, name, label, axes, scale, write } = props;
  const names = rows.members.name;
  const marks = useMemo(() => {
    const all = Array.from(cells.values, (value, at) => [at, value] as const);
    const there = all.filter(([, value]) => isThere(value));
    return names.length > FEW ? new Map() : new Map(there.map(([at, v]) => [at, write(v)]));
  }, [cells, names.length, write]);
  return (
    <Heat
      {...{ name, label, theme, cells, scale, said, marks, choose }}
      rows={{ label: axes[0], names, letters: 16 }}
      cols={{ label: axes[1], names }}
      selected={{ row: pair[0], col: pair[1] }}
      legend={{ ...(cells.faint?.includes(1) ? { note: "faint: not above it" } : {}) }}
      fill
    />
  );
}

/** Circuits with themselves are always the same: their halves say more. */
function overlapCells(rows: ModelsRows, order: Order) {
  const n = rows.members.name.length;
  const { value, bar } = rows.by[order];
  const values = Float32Array.from(value.values);
  if (order === "overlap")
    for (let i = 0; i < n; i++) values[i * n + i] = rows.halves.value.at(i, i);
  const faint = Uint8Array.from(values, (value, at) => {
    const above = bar?.values[at] ?? Number.NaN;
    return Math.floor(at / n) !== at % n && value <= above ? 1 : 0;
  });
  return { ...valuesOf(values, n), faint };
}

const valuesOf = (values: Float32Array, n: number) => ({ rows: n, cols: n, values });

/** "0.31 (0.12 to 0.50)" */
export function estimate({ value, low, high }: Pairs, a: number, b: number): string {
  const span = interval(low?.at(a, b), high?.at(a, b));
  return `${fixed(value.at(a, b))}${span && ` (${span})`}`;
}
