"""Routes of several prompts of one length: their means."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets.analysis.flow.contributions import LEAST_PART, Routes
from circuit_widgets.analysis.flow.routes import flow, rollout


class Means:
    """Means over prompts of what one pass gives of each, up to the position that is read.

    Attributes:
        contributions, residual, mlp: As `Routes` has them.
        heads: The head that carries most of an edge on average; of one prompt as `Routes` has it.
        parts: Parts of edges that single heads carry, at the places `part_places`. What is below
            `LEAST_PART` in a prompt counts as 0 there.
        routes, rollout: Share of each source, of each prompt, [prompt, pos].
    """

    def __init__(self, each: Sequence[Routes], position: int) -> None:
        self.contributions = _mean([one.contributions for one in each])
        self.residual = _mean([one.residual for one in each])
        self.mlp = _mean([one.mlp for one in each])
        self.routes = torch.stack([flow(one.contributions, position) for one in each])
        self.rollout = torch.stack([rollout(one.attention, position) for one in each])
        found = [part for one in each for part in one.parts]
        places = torch.cat([places for places, _ in found])
        parts = torch.cat([parts for _, parts in found])
        if len(each) == 1:
            self.part_places, self.parts, self.heads = places, parts, each[0].heads
            return
        places, row = places.unique(dim=0, return_inverse=True)
        parts = torch.zeros(len(places)).index_add_(0, row, parts) / len(each)
        kept = parts >= LEAST_PART
        self.part_places, self.parts = places[kept], parts[kept]
        self.heads = self._strongest()

    def _strongest(self) -> Int[Tensor, "layer query key"]:
        heads = torch.full(self.contributions.shape, -1)
        order = self.parts.argsort()
        layer, head, query, key = self.part_places[order].T
        parts = self.parts[order]
        # An own stream that carries as much keeps the edge to itself.
        kept = (query != key) | (parts > self.residual[layer, query])
        # In ascending order: the largest is written last.
        for at in kept.nonzero().flatten().tolist():
            heads[layer[at], query[at], key[at]] = head[at]
        return heads


def _mean(tensors: Sequence[Tensor]) -> Float[Tensor, ...]:
    return sum(tensors[1:], tensors[0]) / len(tensors)


def padded(tensor: Tensor, n: int, value: float = math.nan) -> Tensor:
    """The last axis longer, up to `n`."""
    return torch.nn.functional.pad(tensor, (0, n - tensor.shape[-1]), value=value)


def padded_rows(tensor: Tensor, n: int, value: float) -> Tensor:
    """[layer, query, key] for the whole text: 0 at later keys, and no rows of later queries."""
    missing = tensor[..., 0].isnan()
    keys = padded(tensor, n, -1 if value == -1 else 0)
    keys[missing] = value
    return padded(keys.transpose(1, 2), n, value).transpose(1, 2).contiguous()
