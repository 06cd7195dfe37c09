// Every source with what blocking it costs, and its share.
import { useMemo } from "preact/hooks";
import { labelText } from "../../draw/label";
import { Table } from "../../parts/Table";
import type { TableColumn } from "../../parts/table-columns";
import type { Sorting } from "../sorting";
import type { FlowRows } from "./rows";

interface Props extends Sorting {
  sources: FlowRows["sources"];
  tokens: readonly string[];
  token: number | null;
  choose: (position: number) => void;
}

export function SourceTable({ sources, tokens, token, choose, sort, setSort }: Props) {
  const columns = useMemo<TableColumn[]>(() => {
    const { route, knockout, rollout, confirmed, window } = sources;
    return [
      {
        ...{ kind: "text", name: "source", label: "source", token: true },
        values: Array.from(route, (_, i) => labelText(tokens[i] ?? "", 16)),
        note: String,
      },
      {
        ...{ kind: "number", name: "knockout", label: "cost of blocking", strong: true },
        values: knockout,
        about:
          "Log-probability of the target that is lost when the output cannot attend to the source, in nats.",
        note: (i) => (confirmed[i] === 1 ? "above the bound" : ""),
      },
      {
        ...{ kind: "text", name: "window", label: "most in layers", values: window },
        about:
          "The window of layers in which blocking alone costs most, and that, in nats: not tested against a control.",
      },
      {
        ...{ kind: "number", name: "route", label: "share", values: route, digits: 3 },
        about:
          "Share of the residual stream that comes from the source, over all routes: not causal.",
      },
      {
        ...{ kind: "number", name: "rollout", label: "rollout", values: rollout, digits: 3 },
        about: "Share by attention rollout: a baseline that knows the attention patterns only.",
      },
    ];
  }, [sources, tokens]);
  return (
    <Table
      name="sources"
      title="Sources"
      {...{ columns, rows: sources.route.length, selected: token, select: choose, sort, setSort }}
      fill
    />
  );
}
