// What of a circuit is shown, from the parameters that Python reads and sets; and what a user does.
import { useMemo } from "preact/hooks";
import type { Session } from "../../model/session";
import { adjusting } from "../adjusting";
import { circuitGraph, placesOf } from "./graph";
import { readGroups, readNames, toggled, writeNames } from "./named-sets";
import { type CircuitRows, edgesAt } from "./rows";
import { HEAD, lineName, subjectOf } from "./subject";

const SIZE = { label: "Size", least: 0, step: 1 };

export type Shown = ReturnType<typeof useShown>;

export function useShown(session: Session, rows: CircuitRows) {
  const { params } = session;
  const last = rows.sizes.edges.length - 1;
  const slider = adjusting(session, "circuits.size", { ...SIZE, most: last, value: rows.chosen });
  const size = Math.min(last, slider.value);
  const word = params.choice("circuits.selected").value;
  const pickedWords = params.choice("circuits.picked").value;
  const groupWords = params.choice("circuits.groups").value;
  const openWords = params.choice("circuits.open").value;
  const picked = useMemo(() => readNames(pickedWords), [pickedWords]);
  const groups = useMemo(() => readGroups(groupWords), [groupWords]);
  const open = useMemo(() => readNames(openWords), [openWords]);
  const places = useMemo(() => placesOf(rows), [rows]);
  const edges = useMemo(() => edgesAt(rows, size), [rows, size]);
  // Nodes were taken out of the chosen circuit alone.
  const effects =
    size === rows.chosen && rows.nodes.effect.value.some((each) => !Number.isNaN(each));
  const graph = useMemo(() => {
    const folded = groups.filter(({ name }) => !open.includes(name));
    return circuitGraph(rows, edges, places, folded, effects);
  }, [rows, edges, places, groups, open, effects]);
  const [layer, head] = session.head.value;
  const subject = useMemo(
    () => subjectOf(word, [layer, head], rows, graph, groups),
    [word, layer, head, rows, graph, groups],
  );
  const set = (name: string) => (words: string) => params.set(`circuits.${name}`, words);
  const select = set("selected");
  const chooseLine = (line: number) => select(lineName(graph, line));
  return {
    ...{ rows, size, word, picked, groups, open, edges, effects, graph, subject },
    slider: { ...slider, value: size, most: last },
    /** Of the circuit, here or not. */
    all: rows.sizes.edges[size] ?? 0,
    select,
    setPicked: set("picked"),
    setGroups: set("groups"),
    setOpen: set("open"),
    chooseLine,
    chooseEdge: (edge: number) =>
      chooseLine(graph.lines.findIndex(({ parts }) => parts.includes(edge))),
    /** more: one more for a group; a group itself cannot be one of another's. */
    chooseNode: (node: number, more: boolean) => {
      const [at, name] = [rows.nodes.head[node], graph.names[node] ?? ""];
      if (more) {
        if (node < rows.nodes.name.length) set("picked")(writeNames(toggled(picked, name)));
        return;
      }
      const query = rows.roles.length > 0 ? { query: rows.nodes.position[node] as number } : {};
      if (at) session.select({ layer: at[0], head: at[1], ...query }, "circuits");
      select(at && rows.roles.length === 0 ? HEAD : name);
    },
  };
}
