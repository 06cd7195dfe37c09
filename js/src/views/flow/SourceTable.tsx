// Every source with what blocking it costs, and its share.
import { useMemo } from "preact/hooks";
import { labelText } from "../../draw/label";
import { fixed, interval, isThere } from "../../draw/number";
import { Table } from "../../parts/Table";
import type { TableColumn } from "../../parts/table-columns";
import type { Sorting } from "../sorting";
import type { FlowRows, Span } from "./rows";

interface Props extends Sorting {
  rows: FlowRows;
  tokens: readonly string[];
  token: number | null;
  choose: (position: number) => void;
}

/** The interval is said where one points: three columns with intervals are wider than the place. */
function shareSaid(route: Span, at: number): string {
  const ends = interval(route.low?.[at], route.high?.[at], 3);
  return ends && `${fixed(route.value[at], 3)} (${route.interval} ${ends})`;
}

export function SourceTable({ rows, tokens, token, choose, sort, setSort }: Props) {
  const columns = useMemo<TableColumn[]>(() => {
    const { route, knockout, rollout, confirmed, window } = rows.sources;
    const mean =
      rows.nPrompts > 1 ? `, mean of ${rows.nPrompts} prompts (${knockout.interval})` : "";
    return [
      {
        ...{ kind: "text", name: "source", label: "source", token: true },
        values: Array.from(route.value, (_, i) => labelText(tokens[i] ?? "", 16)),
        note: String,
      },
      {
        ...{ kind: "number", name: "knockout", label: "cost of blocking", strong: true },
        ...{ values: knockout.value, low: knockout.low, high: knockout.high },
        about: `How much the ${rows.measured} falls when the output cannot attend to the source, in ${rows.unit}${mean}.`,
        note: (i) => (confirmed[i] === 1 ? "above both" : ""),
      },
      {
        ...{ kind: "number", name: "bound", label: "tokens as likely" },
        values: knockout.bound ?? knockout.value.map(() => Number.NaN),
        write: (value) => (isThere(value) ? `≤ ${fixed(value)}` : "–"),
        about:
          "The most that the same blocking costs other tokens that were as likely as the target: the second of the two bounds that a source has to be above. The first is what blocking costs at other queries.",
      },
      {
        ...{ kind: "text", name: "window", label: "most in layers", values: window },
        about:
          "The window of layers in which blocking alone costs most, and that, in nats: not tested against a control.",
      },
      {
        ...{ kind: "number", name: "route", label: "share", values: route.value, digits: 3 },
        said: (i) => shareSaid(route, i),
        about:
          "Share of the residual stream that comes from the source, over all routes: not causal.",
      },
      {
        ...{ kind: "number", name: "rollout", label: "rollout", values: rollout, digits: 3 },
        about: "Share by attention rollout: a baseline that knows the attention patterns only.",
      },
    ];
  }, [rows, tokens]);
  return (
    <Table
      name="sources"
      title="Sources"
      {...{
        columns,
        rows: rows.sources.route.value.length,
        selected: token,
        select: choose,
        sort,
        setSort,
      }}
      fill
    />
  );
}
