// Induction through several prompts: what each head does on average, and in each prompt.
import { useMemo } from "preact/hooks";
import { labelText } from "../../draw/label";
import { fixed } from "../../draw/number";
import { nameOf, sameHead } from "../../model/address";
import type { Session } from "../../model/session";
import { Facts } from "../../parts/Facts";
import { Panel } from "../../parts/Frame";
import { Table } from "../../parts/Table";
import type { TableColumn } from "../../parts/table-columns";
import type { Estimates } from "../../wire/blocks";
import type { InductionRows, Means as MeansRows } from "./rows";

interface Props {
  session: Session;
  rows: InductionRows;
  means: MeansRows;
}

/** A mean with its interval, and small what it is compared with. */
function meanOf(name: string, label: string, of: Estimates, than: string): TableColumn {
  const { value, low, high, interval, null: null_ } = of;
  return {
    ...{ kind: "number", name, label, values: value, low, high, strong: true },
    about: `Mean over prompts; beside it the ${interval}, and in brackets what ${than}.`,
    note: (row) => `(${fixed(null_?.[row])})`,
  };
}

export function Means({ session, rows, means }: Props) {
  const { heads, previous, facts } = rows;
  const head = Math.max(
    0,
    heads.findIndex((known) => sameHead(known, session.head.value)),
  );
  const name = nameOf(heads[head] ?? [0, 0]);
  const [second, first, prompts] = useMemo<TableColumn[][]>(
    () => [
      [
        { kind: "text", name: "head", label: "head", values: heads.map(nameOf) },
        meanOf("attention", "attention (chance)", means.attention, "uniform attention gives"),
        meanOf(
          "added",
          "raises logit by (others)",
          means.added,
          "it does to other tokens of the prompt",
        ),
      ],
      [
        { kind: "text", name: "head", label: "head", values: previous.map(nameOf) },
        meanOf("first", "attention (chance)", means.firstHop, "uniform attention gives"),
      ],
      [
        {
          ...{ kind: "text", name: "text", label: "prompt" },
          values: means.texts.map((text) => labelText(text, 40)),
          said: (row) => means.texts[row] ?? "",
        },
        { kind: "number", name: "n", label: "repeats", values: means.n, digits: 0 },
        {
          ...{ kind: "number", name: "a", label: `attention of ${name}` },
          values: means.attentionOf(head),
        },
        { kind: "number", name: "l", label: "raises logit by", values: means.addedOf(head) },
        { kind: "number", name: "p", label: "p", values: means.probability },
      ],
    ],
    [rows, head],
  );
  const more = means.nPrompts > means.texts.length ? `the first ${means.texts.length} of ` : "";
  return (
    <>
      <Panel name="facts-panel" label="Over all prompts">
        <h3>
          The token that followed earlier: means of {means.nPrompts} prompts{" "}
          <span class="quiet">small: {means.attention.interval}</span>
        </h3>
        <Facts facts={facts} />
      </Panel>
      <div class="trace">
        <Panel name="means" label="Means of each head">
          <Table
            name="means"
            title="Second hop: to what followed earlier"
            columns={second ?? []}
            rows={heads.length}
            selected={head}
            select={(row) => {
              const [layer, index] = heads[row] ?? [0, 0];
              session.select({ layer, head: index }, "trace");
            }}
          />
          <Table
            name="first-means"
            title="First hop: to the token before that"
            columns={first ?? []}
            rows={previous.length}
            empty="No previous-token head was found."
          />
        </Panel>
        <Panel name="prompts" label="Each prompt">
          <Table
            name="prompts"
            title={`Means of each prompt's repeated tokens (${more}${means.nPrompts} prompts)`}
            columns={prompts ?? []}
            rows={means.texts.length}
            fill
          />
        </Panel>
      </div>
    </>
  );
}
