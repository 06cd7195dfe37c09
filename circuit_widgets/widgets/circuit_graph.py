"""A circuit as its view is told: nodes, by position one at each, and the edges of all sizes."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from circuit_widgets.analysis.circuits.graphs import node_name
from circuit_widgets.analysis.circuits.results import Circuit
from circuit_widgets.causal.nodes import OUTPUT
from circuit_widgets.results.score import Score
from circuit_widgets.wire.numbers import number
from circuit_widgets.wire.topics import circuits as t

# Attention below that is no more said than what is not there.
_HARDLY = 0.01
# A part of the model and, in a circuit by position, where it is.
Place = tuple[int, ...]


def graph_of(result: Circuit, most: int) -> tuple[list[t.Node], list[t.CircuitEdge]]:
    """Nodes of all edges that are sent, as the model computes them, the output last.

    most: edges of a size that are sent: of larger circuits the strongest.
    """
    sent, masks = _sent(result, most)
    reads = [_reader(result, place) for place in sent]
    writes = [(*position, source) for *position, source, _ in sent]
    every = range(len(result.nodes.sources) + 1)
    places: set[Place] = {*writes, *reads} if result.by_position else {(part,) for part in every}
    ordered = sorted(places, key=lambda each: (each[-1], each[0]))
    row = {place: at for at, place in enumerate(ordered)}
    edges = []
    for place, source, reader, mask in zip(sent, writes, reads, masks, strict=True):
        target = result.nodes.targets[place[-1]]
        ends, q = ends_of(result.score, *place), number(result.q[place])
        shared, by = len(target.nodes), target.entry
        edges.append(
            t.CircuitEdge(row[source], row[reader], reader[-1], shared, by, *ends, q, mask)
        )
    return [_node(result, place) for place in row], edges


def carried_of(
    result: Circuit, nodes: Sequence[t.Node], edges: Sequence[t.CircuitEdge]
) -> list[t.Carried]:
    """What attention there is, from where heads write in some circuit to where they read."""
    if result.attention is None:
        return []
    read = {
        (part, nodes[edge.target].position)
        for edge in edges
        if edge.by in ("k", "v")
        for part in range(edge.reader, edge.reader + edge.shared)
    }
    heads = [node for node in nodes if node.head is not None]
    return [
        t.Carried(node.part, node.position, key, share)
        for node in heads
        for key in range(node.position + 1)
        if (node.part, key) in read
        and (share := float(result.attention[node.part, node.position, key])) >= _HARDLY
    ]


def _node(result: Circuit, place: Place) -> t.Node:
    *position, part = place
    sources, at = result.nodes.sources, position[0] if position else None
    if part == len(sources):
        name = node_name(OUTPUT, at)
        return t.Node(name, len(result.nodes.heads), None, part, position=at or 0)
    source = sources[part]
    head = None if source.head is None else (source.layer, source.head)
    ends = ends_of(result.node_effects, *place)
    return t.Node(node_name(source.name, at), source.layer, head, part, *ends, at or 0)


def _reader(result: Circuit, place: Place) -> Place:
    """The first part that reads an edge."""
    *position, _, target = place
    row = {**result.nodes.source_at, OUTPUT: len(result.nodes.sources)}
    return (*position, row[result.nodes.targets[target].nodes[0]])


def _sent(result: Circuit, most: int) -> tuple[list[Place], list[int]]:
    """The edges of every size, and of sizes above `most` the strongest; the strongest first.

    And at which sizes each is there, a bit a size.
    """
    strength = result.score.value.abs()
    sent = torch.zeros_like(result.kept[0])
    for kept in result.kept:
        within = strength.where(kept, torch.tensor(-1.0)).flatten()
        strongest = within.topk(min(most, int(kept.sum()))).indices
        sent.view(-1)[strongest] = True
    order = strength[sent].argsort(descending=True, stable=True)
    bits = 2 ** torch.arange(len(result.kept))
    masks = (result.kept[:, sent] * bits[:, None]).sum(0)
    return [(*map(int, place),) for place in sent.nonzero()[order]], masks[order].tolist()


def ends_of(score: Score, *at: int) -> tuple[float | None, float | None, float | None]:
    """A score's value with its interval at one place; None: missing."""
    parts = (score.value, score.low, score.high)
    value, low, high = (None if part is None else number(part[at]) for part in parts)
    return value, low, high
