// Two models: in how far they share a circuit, by every measure, and both circuits side by side.
import type { ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Theme } from "../../draw/theme";
import { type Fact, Facts } from "../../parts/Facts";
import { Circuits } from "./Circuits";
import type { ModelsRows, Pairs } from "./models-rows";

interface Props {
  rows: ModelsRows;
  theme: ReadonlySignal<Theme>;
  pair: readonly [a: number, b: number];
  choose: (a: number, b: number) => void;
  part: string;
  choosePart: (name: string) => void;
}

export function Pair({ rows, theme, pair, choose, part, choosePart }: Props) {
  const [a, b] = pair;
  const { name } = rows.members;
  const facts = useMemo(() => factsOf(rows, a, b), [rows, a, b]);
  const names = [name[a] ?? "", name[b] ?? ""] as const;
  return (
    <>
      <div class="toolbar" data-cw="pair-names">
        <Which label="The one model" {...{ name, at: a }} choose={(at) => choose(at, b)} />
        <span class="quiet">and</span>
        <Which label="The other model" {...{ name, at: b }} choose={(at) => choose(a, at)} />
      </div>
      <Facts facts={facts} />
      <Circuits {...{ members: rows.members, theme, pair, names, part, choosePart }} />
    </>
  );
}

interface WhichProps {
  label: string;
  name: readonly string[];
  at: number;
  choose: (at: number) => void;
}

function Which({ label, name, at, choose }: WhichProps) {
  return (
    <select
      aria-label={label}
      value={String(at)}
      onChange={(event) => choose(Number(event.currentTarget.value))}
    >
      {name.map((each, i) => (
        <option key={each} value={String(i)}>
          {each}
        </option>
      ))}
    </select>
  );
}

function factsOf(rows: ModelsRows, a: number, b: number): Fact[] {
  const { name, interval } = rows.members;
  const fact = (label: string, from: Pairs, null_label: string, baseline: number | null): Fact => ({
    ...{ label, about: from.about, unit: "", interval, null_label, null: baseline },
    value: from.value.at(a, b),
    low: from.low?.at(a, b) ?? null,
    high: from.high?.at(a, b) ?? null,
  });
  const by = rows.comparedBy(a, b);
  const own = (at: number) => rows.halves.value.at(at, at);
  const into = (from: number, to: number): Fact => {
    const { about, value, low, high } = rows.transfer;
    return {
      label: `${name[from]} in ${name[to]}`,
      about: `${about} Beside it what the circuit of ${name[to]} itself does there.`,
      ...{ unit: "", interval, null_label: "its own", null: value.at(to, to) },
      value: value.at(from, to),
      low: low?.at(from, to) ?? null,
      high: high?.at(from, to) ?? null,
    };
  };
  const { overlap, role_overlap, correlation } = rows.by;
  if (a === b) return [fact("two halves of its prompts", rows.halves, "by chance", 0)];
  return [
    // What other prompts alone change: inside one model, on halves of the prompts.
    fact(`overlap by ${by || "edges"}`, overlap, "halves", (own(a) + own(b)) / 2),
    {
      ...fact("uncorrected (Jaccard)", overlap, "by chance", rows.chance.at(a, b)),
      ...{ value: rows.jaccard.at(a, b), low: null, high: null },
    },
    ...(by === "roles" ? [] : [fact("overlap of roles", role_overlap, "by chance", 0)]),
    ...(by === "edges"
      ? [
          fact("rank correlation", correlation, "by chance", correlation.null?.at(a, b) ?? null),
          into(a, b),
          into(b, a),
        ]
      : []),
  ];
}
