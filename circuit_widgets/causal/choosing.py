"""Which edges make a circuit of a size: the strongest, as far as they lie on a path."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.causal.on_paths import Edges, on_paths

# The sizes of MIB (Mueller et al. 2025, section 4), as shares of all edges.
SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
# Also these by position, where a model has many times as many edges, and a task needs no more.
SMALLER = (0.0001, 0.0002, 0.0005)

Strength = Float[Tensor, "*pos source target"]


class Ranking:
    """Edges put in from the strongest on; those of them on a path are the circuits of all sizes.

    strength: NaN where there is no edge.

    >>> nodes = Nodes((1,), (1,), ("",))
    >>> strength = torch.tensor([[3.0, 1.0, 2.0, 0.5], [0.0, 0.0, 0.0, 4.0]])
    >>> ranking = Ranking(strength.where(nodes.allowed, torch.nan), nodes)
    >>> ranking.smallest, int(ranking.of_size(4).sum())
    (2, 4)
    """

    def __init__(self, strength: Strength, nodes: Nodes) -> None:
        self._nodes = nodes
        self.order: Int[Tensor, " edge"] = in_order(strength)

    @functools.cached_property
    def smallest(self) -> int:
        """How many edges the first path has."""
        low, high = 1, len(self.order)
        while low < high:
            middle = (low + high) // 2
            if bool(self._first(middle).any()):
                high = middle
            else:
                low = middle + 1
        return int(self._first(low).sum())

    def of_size(self, size: int) -> Edges:
        """The strongest edges, of which those on a path are as many, or as close below it.

        Raises:
            ValueError: No path is as small.
        """
        # More edges never take one off its path: the number on paths only grows.
        low, high, step = 0, min(size, len(self.order)), max(1, size)
        while high < len(self.order) and int(self._first(high).sum()) <= size:
            low, high, step = high, min(high + step, len(self.order)), 2 * step
        while low < high:
            middle = (low + high + 1) // 2
            if int(self._first(middle).sum()) <= size:
                low = middle
            else:
                high = middle - 1
        found = self._first(low)
        if not found.any():
            some = "1 edge" if size == 1 else f"{size} edges"
            raise ValueError(
                f"a circuit of {some} has no path from the embedding to the output; accepted "
                f"are sizes from {self.smallest} to {len(self.order)}"
            )
        return found

    def of_size_or_all(self, size: int) -> Edges:
        """As `of_size`; the first path where that is larger."""
        return self.of_size(max(size, self.smallest))

    def _first(self, n: int) -> Edges:
        kept = torch.zeros(self._nodes.allowed.numel(), dtype=torch.bool)
        kept[self.order[:n]] = True
        return on_paths(kept.view_as(self._nodes.allowed), self._nodes)


def of_size(strength: Strength, size: int, nodes: Nodes) -> Edges:
    """`Ranking.of_size`, of one.

    >>> nodes = Nodes((1,), (1,), ("",))
    >>> strength = torch.tensor([[3.0, 1.0, 2.0, 0.5], [0.0, 0.0, 0.0, 4.0]])
    >>> of_size(strength.where(nodes.allowed, torch.nan), 2, nodes).nonzero().tolist()
    [[0, 0], [1, 3]]
    """
    return Ranking(strength, nodes).of_size(size)


def of_size_or_all(strength: Strength, size: int, nodes: Nodes) -> Edges:
    """`Ranking.of_size_or_all`, of one.

    >>> nodes = Nodes((1,), (1,), ("",))
    >>> strength = torch.tensor([[3.0, 1.0, 2.0, 0.5], [0.0, 0.0, 0.0, 4.0]])
    >>> int(of_size_or_all(strength.where(nodes.allowed, torch.nan), 1, nodes).sum())
    2
    """
    return Ranking(strength, nodes).of_size_or_all(size)


def sizes_of(
    strength: Strength, nodes: Nodes, asked: int | None
) -> tuple[Bool[Tensor, "size *pos source target"], int | None]:
    """Circuits of ten sizes, and of the one asked for: their edges, and which is that one.

    Sizes at which no path is there, or that have the same edges, are left out; by position there
    are three more, of a tenth of the smallest and up.

    Raises:
        ValueError: No path is as small as the size asked for.

    >>> nodes = Nodes((1,), (1,), ("",))
    >>> strength = torch.tensor([[3.0, 1.0, 2.0, 0.5], [0.0, 0.0, 0.0, 4.0]])
    >>> kept, at = sizes_of(strength.where(nodes.allowed, torch.nan), nodes, 3)
    >>> kept.flatten(1).sum(1).tolist(), at
    ([2, 3, 5], 1)
    """
    ranking = Ranking(strength, nodes)
    least = ranking.smallest
    wanted = {size for size in _wanted(nodes) if size >= least} | {least}
    found: dict[int, Edges] = {}
    at = None
    for size in sorted(wanted | ({asked} if asked else set())):
        kept = ranking.of_size(size)
        found.setdefault(int(kept.sum()), kept)
        if size == asked:
            at = list(found).index(int(kept.sum()))
    return torch.stack([*found.values()]), at


def of_ten(sizes: Sequence[int], nodes: Nodes) -> list[int]:
    """Which of the sizes that `sizes_of` finds are there whatever was asked for.

    Only they make areas under a curve that can be compared: one point more is another curve.

    >>> of_ten([2, 3, 5], Nodes((1,), (1,), ("",)))
    [0, 2]
    """
    # Each has as many edges as wanted, or as close below it.
    below = ([at for at, size in enumerate(sizes) if size <= each] for each in _wanted(nodes))
    return sorted({0} | {found[-1] for found in below if found})


def _wanted(nodes: Nodes) -> set[int]:
    total = int(nodes.allowed.sum())
    shares = (*SMALLER, *SHARES) if nodes.n_positions else SHARES
    return {max(1, round(share * total)) for share in shares}


def above(strength: Strength, threshold: float, nodes: Nodes) -> Edges:
    """The edges on a path of which all edges are as strong as a threshold.

    >>> nodes = Nodes((1,), (1,), ("",))
    >>> strength = torch.tensor([[3.0, 1.0, 2.0, 0.5], [0.0, 0.0, 0.0, 4.0]])
    >>> int(above(strength.where(nodes.allowed, torch.nan), 1.5, nodes).sum())
    3
    """
    return on_paths(strength.nan_to_num(-torch.inf) >= threshold, nodes)


def in_order(strength: Strength) -> Int[Tensor, " edge"]:
    """Edges from the strongest on, as places in the flattened matrix; ties as they come.

    >>> in_order(torch.tensor([[1.0, float("nan")], [3.0, 2.0]])).tolist()
    [2, 3, 0]
    """
    flat = strength.flatten()
    order = flat.nan_to_num(-torch.inf).argsort(descending=True, stable=True)
    return order[: int(flat.isfinite().sum())]


def random_strengths(strength: Strength, nodes: Nodes, n: int, seed: int) -> Iterator[Strength]:
    """Strengths that change places among the edges from one layer's nodes of a kind to another's.

    So a circuit of them has the layers of the one in question (by position also its positions),
    and random nodes in each.

    >>> nodes = Nodes((2,), (2,), ("",))
    >>> strength = torch.arange(21.0).view(3, 7).where(nodes.allowed, torch.nan)
    >>> drawn = next(random_strengths(strength, nodes, 1, seed=0))
    >>> drawn[0, :2].sort().values, bool((drawn.isnan() == strength.isnan()).all())
    (tensor([0., 1.]), True)
    """
    groups = _groups(nodes)
    generator = torch.Generator().manual_seed(seed)
    flat = strength.flatten()
    for _ in range(n):
        drawn = flat.clone()
        for places in groups:
            drawn[places] = flat[places[torch.randperm(len(places), generator=generator)]]
        yield drawn.view_as(strength)


def _groups(nodes: Nodes) -> list[Tensor]:
    """Places in the flattened matrix of edges that are alike but for their heads."""
    written = [(source.layer, source.head is None) for source in nodes.sources]
    read = [(target.layer, target.entry) for target in nodes.targets]
    kinds = [{kind: at for at, kind in enumerate(dict.fromkeys(all))} for all in (written, read)]
    sources, targets = (
        torch.tensor([of[kind] for kind in all])
        for of, all in zip(kinds, (written, read), strict=True)
    )
    kind = sources[:, None] * len(kinds[1]) + targets
    if nodes.n_positions:
        kind = kind + torch.arange(nodes.n_positions)[:, None, None] * (int(kind.max()) + 1)
    places = nodes.allowed.flatten().nonzero().flatten()
    _, order = kind.flatten()[places].sort(stable=True)
    _, counts = kind.flatten()[places].unique(return_counts=True)
    return [*places[order].split(counts.tolist())]
