"""Which edges lie on a path from the embedding to the output."""

from __future__ import annotations

import functools

import torch
from jaxtyping import Bool
from torch import Tensor

from circuit_widgets.causal.nodes import EMBEDDING, Nodes

Edges = Bool[Tensor, "*pos source target"]


def on_paths(kept: Edges, nodes: Nodes) -> Edges:
    """The edges that lie on a path from the embedding to the output.

    A head is passed through from any of its q, k and v. By position a path stays at one, but for
    keys and values, by which a head carries to its own and to all later positions.

    >>> nodes = Nodes((1, 1), (1, 1), ("", ""))
    >>> kept = torch.zeros_like(nodes.allowed)
    >>> kept[0, 0] = kept[0, 3] = kept[2, 6] = True  # to 0.0.q and 1.0.q; from 1.0 to the output
    >>> on_paths(kept, nodes).nonzero().tolist()
    [[0, 3], [2, 6]]
    >>> nodes = nodes.by_position(2, [1])
    >>> kept = torch.zeros_like(nodes.allowed)
    >>> kept[0, 0, 1] = kept[0, 0, 0] = kept[1, 1, 6] = True  # to 0.0.k and 0.0.q; from 0.0
    >>> on_paths(kept, nodes).nonzero().tolist()
    [[0, 0, 1], [1, 1, 6]]
    """
    kept = kept & nodes.allowed
    each = kept if nodes.n_positions else kept[None]
    feeds, n = nodes.feeds, len(each)
    moves = torch.tensor([target.moves for target in nodes.targets])
    reached = torch.zeros(n, len(nodes.sources), dtype=torch.bool)
    reached[:, nodes.source_at[EMBEDDING]] = True
    arrived = torch.zeros(n, len(nodes.targets), dtype=torch.bool)
    for stage, owned in _stages(nodes):
        # What a head of this stage has, from its own position or an earlier one.
        has = torch.where(moves[owned], _since(arrived[:, owned]), arrived[:, owned])
        reached[:, stage] |= (feeds[owned, stage] & has[:, :, None]).any(1)
        arrived |= (each[:, stage] & reached[:, stage, None]).any(1)
    useful = torch.zeros_like(reached)
    leads = torch.zeros_like(arrived)
    leads[:, -1] = True
    for stage, owned in reversed(_stages(nodes)):
        useful[:, stage] = (each[:, stage] & leads[:, None]).any(2)
        lead = (feeds[owned, stage] & useful[:, None, stage]).any(2)
        leads[:, owned] |= torch.where(moves[owned], _since(lead.flip(0)).flip(0), lead)
    found = each & reached[:, :, None] & leads[:, None]
    return found if nodes.n_positions else found[0]


def _since(here: Bool[Tensor, "pos target"]) -> Bool[Tensor, "pos target"]:
    """Whether it was so at a position, or at one before."""
    return here.cummax(0).values


@functools.lru_cache(maxsize=64)
def _stages(nodes: Nodes) -> tuple[tuple[slice, Tensor], ...]:
    """Sources that are computed together, in order, and the targets that are their inputs."""
    found: list[tuple[slice, Tensor]] = []
    start = 0
    for at in range(1, len(nodes.sources) + 1):
        if at == len(nodes.sources) or nodes.sources[at].stage != nodes.sources[start].stage:
            stage = slice(start, at)
            found.append((stage, nodes.feeds[:, stage].any(1).nonzero().flatten()))
            start = at
    return tuple(found)
