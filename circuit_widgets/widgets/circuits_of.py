"""Circuits of several models or checkpoints as blocks: each edge once, with all its scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Bool
from torch import Tensor

from circuit_widgets.causal.nodes import OUTPUT, Nodes
from circuit_widgets.results.score import Score
from circuit_widgets.wire.packing import Packed
from circuit_widgets.wire.topics import stability as t

# Edges of a graph that are sent: of circuits with more, the strongest.
MOST = 500


def circuits_of(
    graphs: Sequence[Nodes],
    score: Score,
    kept: Bool[Tensor, "member source target"],
    names: Sequence[str],
    at: Sequence[int],
) -> list[Packed]:
    """Of every graph, the edges that are in a circuit of one of its members, with all scores.

    Args:
        graphs: Those that members have.
        score: Of every edge, [member, source, target], as `kept`; NaN where there is no edge.
        kept: Which edges are in a member's circuit.
        names: Of the members.
        at: Which graph each member has.
    """
    blocks: list[Packed] = []
    for number, nodes in enumerate(graphs):
        own = torch.tensor([one == number for one in at])
        shape = nodes.allowed.shape
        inside = kept[:, : shape[0], : shape[1]] & own[:, None, None]
        parts = {
            end: part[:, : shape[0], : shape[1]].where(own[:, None, None], torch.nan)
            for end, part in _score_parts(score).items()
        }
        strength = parts[""].abs().nan_to_num(-1.0).where(inside, -1.0).amax(0)
        n = min(MOST, int(inside.any(0).sum()))
        order = strength.flatten().argsort(descending=True, stable=True)[:n]
        flat = {end: part.flatten(1)[:, order].T for end, part in parts.items()}
        flat["_kept"] = inside.flatten(1)[:, order].T.float()
        places = [divmod(int(place), shape[1]) for place in order]
        blocks.append(t.circuits_graph(f"circuits.{number}", *_graph(nodes, places)))
        blocks += t.edge_scores(f"edges.{number}", flat, names)
    return blocks


def _score_parts(score: Score) -> Mapping[str, Tensor]:
    some = {"": score.value, "_low": score.low, "_high": score.high}
    return {end: part for end, part in some.items() if part is not None}


def _graph(nodes: Nodes, places: Sequence[tuple[int, int]]) -> tuple[list[t.Node], list[t.Edge]]:
    found = [
        t.Node(one.name, one.layer + 1, None if one.head is None else (one.layer, one.head))
        for one in nodes.sources
    ]
    found.append(t.Node(OUTPUT, len(nodes.heads) + 1, None))
    row = {**nodes.source_at, OUTPUT: len(nodes.sources)}
    edges = []
    for source, to in places:
        target = nodes.targets[to]
        edges.append(t.Edge(source, row[target.nodes[0]], len(target.nodes), target.entry))
    return found, edges
