"""A circuit as a graph for other programs: networkx, plain JSON, Neuronpedia's viewer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from circuit_widgets.causal.nodes import EMBEDDING, OUTPUT

if TYPE_CHECKING:
    import networkx

    from circuit_widgets.analysis.circuits.results import Circuit


def to_networkx(circuit: Circuit) -> networkx.DiGraph:
    """Components as nodes, with `kind` and `layer`; edges with what each entry carries.

    An edge's `score` is the sum over its `entries`, which are (entry, score, low, high, q): "q",
    "k" and "v" of a head, "mlp" or "logits".

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
    used = {end for pair in joined(circuit) for end in pair}
    for source in circuit.nodes.sources:
        if source.name in used:
            kind = "head" if source.head is not None else "mlp"
            kind = EMBEDDING if source.name == EMBEDDING else kind
            graph.add_node(source.name, kind=kind, layer=source.layer, head=source.head)
    graph.add_node(OUTPUT, kind=OUTPUT, layer=len(circuit.nodes.heads), head=None)
    for (source, target), entries in joined(circuit).items():
        graph.add_edge(source, target, score=sum(each[1] for each in entries), entries=entries)
    return graph


def joined(
    circuit: Circuit,
) -> dict[tuple[str, str], list[tuple[str, float, float, float, float]]]:
    """The circuit's edges between components: (entry, score, low, high, q) of each reader.

    A reader that heads share is an edge to each of those that are in the circuit.
    """
    inside = {*circuit.components, OUTPUT}
    readers = {target.name: target for target in circuit.nodes.targets}
    found: dict[tuple[str, str], list[tuple[str, float, float, float, float]]] = {}
    for edge in circuit.edges:
        reader = readers[edge.target]
        numbers = edge.score, edge.low, edge.high, edge.q
        for node in reader.nodes:
            if node in inside:
                found.setdefault((edge.source, node), []).append((reader.entry, *numbers))
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

    Its nodes are features at positions; here heads and MLPs over all positions, so that all stand
    at the last one, and `feature` is the head's index (-1: an MLP). Weights are scores.

    >>> import circuit_widgets as cw
    >>> model = cw.load_model()
    >>> task = cw.Task.repeated_tokens(model, n=8)
    >>> circuit = cw.extract_circuit(model, task, size=12, progress=False)
    >>> sorted(to_neuronpedia(circuit))
    ['links', 'metadata', 'nodes', 'qParams']
    """
    graph, last = to_networkx(circuit), len(circuit.tokens) - 1
    ids = {name: _node_id(name, facts, last) for name, facts in graph.nodes(data=True)}
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
                "ctx_idx": last,
                "feature_type": _TYPES.get(facts["kind"], facts["kind"]),
                "token_prob": 0.0,
                "is_target_logit": name == OUTPUT,
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
            "clickedId": ids[OUTPUT],
            "sg_pos": "",
        },
        "nodes": nodes,
        "links": [
            {"source": ids[source], "target": ids[target], "weight": facts["score"]}
            for source, target, facts in graph.edges(data=True)
        ],
    }


_TYPES = {"head": "attention head", OUTPUT: "logit"}


def _node_id(name: str, facts: Mapping[str, Any], last: int) -> str:
    if name == EMBEDDING:
        return f"E_0_{last}"
    if name == OUTPUT:
        return f"{facts['layer'] + 1}_0_{last}"
    head = "mlp" if facts["head"] is None else facts["head"]
    return f"{facts['layer']}_{head}_{last}"


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
