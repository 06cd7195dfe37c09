"""A circuit as a graph for other programs: networkx, plain JSON, Neuronpedia's viewer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from circuit_widgets.causal.carried import carried
from circuit_widgets.causal.nodes import EMBEDDING, OUTPUT

if TYPE_CHECKING:
    import networkx

    from circuit_widgets.analysis.circuits.results import Circuit


def to_networkx(circuit: Circuit) -> networkx.DiGraph:
    """Components as nodes, with `kind` and `layer`; edges with what each entry carries.

    An edge's `score` is the sum over its `entries`, which are (entry, score, low, high, q): "q",
    "k" and "v" of a head, "mlp" or "logits".

    By position a node is a component where it writes, as "1.2@9", with `position` and `role`. So
    an edge by a key or value leads from where that is read to where the head writes: of several
    positions to those whose attention there is a tenth or more, or else to the one whose is most.

    >>> import circuit_widgets as cw
    >>> model = cw.load_model()
    >>> task = cw.Task.repeated_tokens(model, n=8)
    >>> circuit = cw.extract_circuit(model, task, size=12, progress=False)
    >>> graph = to_networkx(circuit)
    >>> graph.edges["0.1", "1.2"]["entries"][0][0]
    'k'
    """
    import networkx

    graph = networkx.DiGraph(task=circuit.task, model=circuit.provenance.model)
    edges = joined(circuit)
    used = {end for pair in edges for end in pair} | set(_outputs(circuit))
    positions = range(circuit.nodes.n_positions) if circuit.by_position else [None]
    for source in circuit.nodes.sources:
        for position in positions:
            kind = "head" if source.head is not None else "mlp"
            kind = EMBEDDING if source.name == EMBEDDING else kind
            facts = {"kind": kind, "layer": source.layer, "head": source.head}
            _add(circuit, graph, source.name, position, facts, used)
    for position in positions:
        facts = {"kind": OUTPUT, "layer": len(circuit.nodes.heads), "head": None}
        _add(circuit, graph, OUTPUT, position, facts, used)
    for (source, target), entries in edges.items():
        graph.add_edge(source, target, score=sum(each[1] for each in entries), entries=entries)
    return graph


def _add(
    circuit: Circuit,
    graph: networkx.DiGraph,
    name: str,
    position: int | None,
    facts: dict[str, Any],
    used: set[str],
) -> None:
    placed = {} if position is None else {"position": position, "role": circuit.role(position)}
    node = node_name(name, position)
    if node in used:
        graph.add_node(node, **facts, **placed)


def node_name(name: str, position: int | None) -> str:
    """A component, and where it writes.

    >>> node_name("5.1", 7), node_name("5.1", None)
    ('5.1@7', '5.1')
    """
    return name if position is None else f"{name}@{position}"


def _outputs(circuit: Circuit) -> list[str]:
    """The output is there, whatever reaches it; by position where something does."""
    return [] if circuit.by_position else [OUTPUT]


def joined(
    circuit: Circuit,
) -> dict[tuple[str, str], list[tuple[str, float, float, float, float]]]:
    """The circuit's edges between components: (entry, score, low, high, q) of each reader.

    A reader that heads share is an edge to each of those that are in the circuit; so is a key or
    value to each position that they carry it to.
    """
    writing = {(edge.source, edge.position) for edge in circuit.edges}
    carrying = None
    if circuit.attention is not None:
        carrying = carried(circuit.attention, circuit.kept[circuit.chosen].any(-1))
    readers = {target.name: target for target in circuit.nodes.targets}
    found: dict[tuple[str, str], list[tuple[str, float, float, float, float]]] = {}
    for edge in circuit.edges:
        reader, at = readers[edge.target], edge.position
        numbers = edge.score, edge.low, edge.high, edge.q
        for node in reader.nodes:
            places = [at] if node == OUTPUT or (node, at) in writing else []
            if at is not None and carrying is not None and reader.moves:
                to = carrying[circuit.nodes.source_at[node], :, at]
                places = to.nonzero().flatten().tolist()
            for place in places:
                ends = node_name(edge.source, at), node_name(node, place)
                found.setdefault(ends, []).append((reader.entry, *numbers))
    return found


def to_json(circuit: Circuit) -> Mapping[str, Any]:
    """Nodes and edges as plain values; what is missing is null.

    >>> import json
    >>> import circuit_widgets as cw
    >>> model = cw.load_model()
    >>> task = cw.Task.repeated_tokens(model, n=8)
    >>> circuit = cw.extract_circuit(model, task, size=12, progress=False)
    >>> sorted(json.loads(json.dumps(to_json(circuit))))
    ['edges', 'faithfulness', 'model', 'nodes', 'task']
    """
    graph = to_networkx(circuit)
    names = ("entry", "score", "low", "high", "q")
    return {
        "model": circuit.provenance.model,
        "task": circuit.task,
        "faithfulness": _number(float(circuit.faithfulness.value[circuit.chosen])),
        "nodes": [{"name": name, **facts} for name, facts in graph.nodes(data=True)],
        "edges": [
            {
                "source": source,
                "target": target,
                "score": _number(facts["score"]),
                "entries": [
                    dict(zip(names, (entry[0], *map(_number, entry[1:])), strict=True))
                    for entry in facts["entries"]
                ],
            }
            for source, target, facts in graph.edges(data=True)
        ],
    }


def to_neuronpedia(circuit: Circuit) -> Mapping[str, Any]:
    """The attribution graph format of Neuronpedia and circuit-tracer (its schema version 1).

    Its nodes are features at positions; here heads and MLPs, which stand where they write, or,
    where the circuit is not by position, all at the last one. `feature` is the head's index (-1: an
    MLP). Weights are scores.

    >>> import circuit_widgets as cw
    >>> model = cw.load_model()
    >>> task = cw.Task.repeated_tokens(model, n=8)
    >>> circuit = cw.extract_circuit(model, task, size=12, progress=False)
    >>> sorted(to_neuronpedia(circuit))
    ['links', 'metadata', 'nodes', 'qParams']
    """
    graph, last = to_networkx(circuit), len(circuit.tokens) - 1
    at = {name: facts.get("position", last) for name, facts in graph.nodes(data=True)}
    ids = {name: _node_id(facts, at[name]) for name, facts in graph.nodes(data=True)}
    outputs = [name for name, kind in graph.nodes(data="kind") if kind == OUTPUT]
    total = sum(abs(facts["score"]) for *_, facts in graph.edges(data=True)) or 1.0
    nodes = []
    for name, facts in graph.nodes(data=True):
        written = sum(abs(graph.edges[edge]["score"]) for edge in graph.out_edges(name))
        nodes.append(
            {
                "node_id": ids[name],
                "jsNodeId": ids[name],
                "feature": -1 if facts["head"] is None else facts["head"],
                "layer": ids[name].split("_")[0],
                "ctx_idx": at[name],
                "feature_type": _TYPES.get(facts["kind"], facts["kind"]),
                "token_prob": 0.0,
                "is_target_logit": facts["kind"] == OUTPUT,
                "run_idx": 0,
                "reverse_ctx_idx": 0,
                "clerp": name,
                "influence": written / total,
                "activation": None,
            }
        )
    slug = f"{circuit.provenance.model}-{circuit.task}".lower().replace("_", "-")
    return {
        "metadata": {
            "slug": slug.replace("/", "-"),
            "scan": circuit.provenance.model,
            "transcoder_list": [],
            "prompt_tokens": [*circuit.tokens],
            "prompt": "".join(circuit.tokens),
            "node_threshold": None,
            "schema_version": 1,
        },
        "qParams": {
            "pinnedIds": [*ids.values()],
            "supernodes": [],
            "linkType": "both",
            "clickedId": ids[outputs[-1]],
            "sg_pos": "",
        },
        "nodes": nodes,
        "links": [
            {"source": ids[source], "target": ids[target], "weight": facts["score"]}
            for source, target, facts in graph.edges(data=True)
        ],
    }


_TYPES = {"head": "attention head", OUTPUT: "logit"}


def _node_id(facts: Mapping[str, Any], at: int) -> str:
    if facts["kind"] == EMBEDDING:
        return f"E_0_{at}"
    if facts["kind"] == OUTPUT:
        return f"{facts['layer'] + 1}_0_{at}"
    head = "mlp" if facts["head"] is None else facts["head"]
    return f"{facts['layer']}_{head}_{at}"


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
