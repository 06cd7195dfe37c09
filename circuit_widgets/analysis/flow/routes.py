"""From what each layer contributes to routes through all of them."""

from __future__ import annotations

import dataclasses
import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

# A path has at least this share of the strongest one's weight.
_LEAST = 1e-9


@dataclasses.dataclass(frozen=True)
class FlowPath:
    """A way of what is read through the layers, from its source on.

    Attributes:
        weight: The product of the contributions along it.
        steps: Of each layer (layer, from, to, head), head -1 for the residual stream.
    """

    weight: float
    steps: tuple[tuple[int, int, int, int], ...]

    @property
    def moves(self) -> bool:
        """Whether a head moves it, or it stays where it began."""
        return any(source != query for _, source, query, _ in self.steps)


def flow(layers: Float[Tensor, "layer query key"], position: int) -> Float[Tensor, " source"]:
    """How much of a position's last stream each source's first stream makes, over all routes."""
    return shares(layers, position)[0].float()


def shares(
    layers: Float[Tensor, "layer query key"], position: int
) -> Float[Tensor, "layer_and_end pos"]:
    """How much of a position's last stream each stream before each layer makes, and the last."""
    found = torch.zeros(len(layers) + 1, layers.shape[-1], dtype=torch.float64)
    found[-1, position] = 1
    for layer in range(len(layers) - 1, -1, -1):
        # Rows that are not reached have no numbers, and a share of 0.
        found[layer] = found[layer + 1] @ layers[layer].double().nan_to_num()
    return found


def rollout(attention: Float[Tensor, "layer query key"], position: int) -> Float[Tensor, " source"]:
    """Attention rollout: half the mean pattern, half the residual, through all layers.

    Abnar & Zuidema 2020, Quantifying Attention Flow. Rows that sum to less than 1 are scaled up.
    """
    one = torch.eye(attention.shape[-1])
    rows = attention / attention.sum(-1, keepdim=True).clamp_min(1e-30)
    return flow((rows + one) / 2, position)


def key_paths(
    contributions: Float[Tensor, "layer query key"],
    heads: Int[Tensor, "layer query key"],
    position: int,
    paths: int,
) -> tuple[FlowPath, ...]:
    """The strongest paths from any source to a position, by the product of contributions.

    First the best of each source, the strongest first; if sources are fewer than `paths`, then the
    next best. Exact: the k best ways to each node, layer by layer from the top (a shortest path on
    -log weight).
    """
    n_layers, n, _ = contributions.shape
    most = 1 if n >= paths else paths
    weights = contributions[:, : position + 1, : position + 1].double().nan_to_num().log()
    n = position + 1
    # Best ways from a node up to the position: log weight, [pos, rank].
    best = torch.full((n, most), -math.inf, dtype=torch.float64)
    best[position, 0] = 0
    back: list[Tensor] = []
    for layer in range(n_layers - 1, -1, -1):
        ways = best[:, :, None] + weights[layer][:, None, :]
        best, at = ways.flatten(0, 1).T.topk(most, dim=1)
        back.append(at)
    back.reverse()

    order = [(float(best[source, 0]), 0, source) for source in range(n)]
    order.sort(key=lambda way: (-way[0], way[2]))
    more = [
        (float(best[source, rank]), rank, source) for source in range(n) for rank in range(1, most)
    ]
    more.sort(key=lambda way: (-way[0], way[1:]))
    # What a softmax leaves of a weight of 0 makes no path.
    least = order[0][0] + math.log(_LEAST)
    found = []
    for weight, rank, source in [way for way in order + more if way[0] > least][:paths]:
        steps, node = [], source
        for layer in range(n_layers):
            query, rank = divmod(int(back[layer][node, rank]), most)
            steps.append((layer, node, query, int(heads[layer, query, node])))
            node = query
        found.append(FlowPath(math.exp(weight), tuple(steps)))
    return tuple(found)
