"""Which edges make a circuit of a size: the strongest, as far as they lie on a path."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from circuit_widgets.causal.nodes import EMBEDDING, Nodes

# The sizes of MIB (Mueller et al. 2025, section 4), as shares of all edges.
SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)

Edges = Bool[Tensor, "source target"]


def on_paths(kept: Edges, nodes: Nodes) -> Edges:
    """The edges that lie on a path from the embedding to the output.

    A head is passed through from any of its q, k and v.

    >>> nodes = Nodes((1, 1), (1, 1), ("", ""))
    >>> kept = torch.zeros_like(nodes.allowed)
    >>> kept[0, 0] = kept[0, 3] = kept[2, 6] = True  # to 0.0.q and 1.0.q; from 1.0 to the output
    >>> on_paths(kept, nodes).nonzero().tolist()
    [[0, 3], [2, 6]]
    """
    kept = kept & nodes.allowed
    feeds, n_sources = nodes.feeds, len(nodes.sources)
    reached = torch.zeros(n_sources, dtype=torch.bool)
    reached[nodes.source_at[EMBEDDING]] = True
    arrived = torch.zeros(len(nodes.targets), dtype=torch.bool)
    for stage in _stages(nodes):
        reached[stage] |= (feeds[:, stage] & arrived[:, None]).any(0)
        arrived |= (kept[stage] & reached[stage, None]).any(0)
    useful = torch.zeros(n_sources, dtype=torch.bool)
    leads = torch.zeros(len(nodes.targets), dtype=torch.bool)
    leads[-1] = True
    for stage in reversed(_stages(nodes)):
        useful[stage] = (kept[stage] & leads).any(1)
        leads |= (feeds[:, stage] & useful[stage]).any(1)
    return kept & reached[:, None] & leads


def of_size(strength: Float[Tensor, "source target"], size: int, nodes: Nodes) -> Edges:
    """The strongest edges, of which those on a path are as many as `size`, or as close below it.

    strength: NaN where there is no edge.

    Raises:
        ValueError: No path is as small.

    >>> nodes = Nodes((1,), (1,), ("",))
    >>> strength = torch.tensor([[3.0, 1.0, 2.0, 0.5], [0.0, 0.0, 0.0, 4.0]])
    >>> of_size(strength.where(nodes.allowed, torch.nan), 2, nodes).nonzero().tolist()
    [[0, 0], [1, 3]]
    """
    order = torch.tensor(ranked(strength), dtype=torch.long)
    # More edges never take one off its path: the number on paths only grows.
    low, high, step = 0, min(size, len(order)), max(1, size)
    while high < len(order) and int(_first(order, high, nodes).sum()) <= size:
        low, high, step = high, min(high + step, len(order)), 2 * step
    while low < high:
        middle = (low + high + 1) // 2
        if int(_first(order, middle, nodes).sum()) <= size:
            low = middle
        else:
            high = middle - 1
    found = _first(order, low, nodes)
    if not found.any():
        raise ValueError(
            f"a circuit of {size} edges has no path from the embedding to the output; accepted are "
            f"sizes from {smallest(strength, nodes)} to {len(order)}"
        )
    return found


def of_size_or_all(strength: Float[Tensor, "source target"], size: int, nodes: Nodes) -> Edges:
    """The strongest edges on a path, as many as `size`; the first path where that is larger.

    >>> nodes = Nodes((1,), (1,), ("",))
    >>> strength = torch.tensor([[3.0, 1.0, 2.0, 0.5], [0.0, 0.0, 0.0, 4.0]])
    >>> int(of_size_or_all(strength.where(nodes.allowed, torch.nan), 1, nodes).sum())
    2
    """
    return of_size(strength, max(size, smallest(strength, nodes)), nodes)


def sizes_of(
    strength: Float[Tensor, "source target"], nodes: Nodes, asked: int | None
) -> tuple[Bool[Tensor, "size source target"], int | None]:
    """Circuits of ten sizes, and of the one asked for: their edges, and which is that one.

    Sizes at which no path is there, or that have the same edges, are left out.

    >>> nodes = Nodes((1,), (1,), ("",))
    >>> strength = torch.tensor([[3.0, 1.0, 2.0, 0.5], [0.0, 0.0, 0.0, 4.0]])
    >>> kept, at = sizes_of(strength.where(nodes.allowed, torch.nan), nodes, 3)
    >>> kept.flatten(1).sum(1).tolist(), at
    ([2, 3, 5], 1)
    """
    total = int(nodes.allowed.sum())
    wanted = {max(1, round(share * total)) for share in SHARES} | ({asked} if asked else set())
    least = smallest(strength, nodes)
    found: dict[int, Edges] = {}
    at = None
    for size in sorted(wanted | {least}):
        if size >= least:
            kept = of_size(strength, size, nodes)
            found.setdefault(int(kept.sum()), kept)
            if size == asked:
                at = list(found).index(int(kept.sum()))
    return torch.stack([*found.values()]), at


def above(strength: Float[Tensor, "source target"], threshold: float, nodes: Nodes) -> Edges:
    """The edges on a path of which all edges are as strong as a threshold.

    >>> nodes = Nodes((1,), (1,), ("",))
    >>> strength = torch.tensor([[3.0, 1.0, 2.0, 0.5], [0.0, 0.0, 0.0, 4.0]])
    >>> int(above(strength.where(nodes.allowed, torch.nan), 1.5, nodes).sum())
    3
    """
    return on_paths(strength.nan_to_num(-torch.inf) >= threshold, nodes)


def smallest(strength: Float[Tensor, "source target"], nodes: Nodes) -> int:
    """How many edges the first path has, if edges are put in from the strongest on.

    >>> nodes = Nodes((1,), (1,), ("",))
    >>> smallest(torch.ones(2, 4).where(nodes.allowed, torch.nan), nodes)
    1
    """
    order = torch.tensor(ranked(strength), dtype=torch.long)
    low, high = 1, len(order)
    while low < high:
        middle = (low + high) // 2
        if bool(_first(order, middle, nodes).any()):
            high = middle
        else:
            low = middle + 1
    return int(_first(order, low, nodes).sum())


def ranked(strength: Float[Tensor, "source target"]) -> list[int]:
    """Edges from the strongest on, as places in the flattened matrix; ties as they come.

    >>> ranked(torch.tensor([[1.0, float("nan")], [3.0, 2.0]]))
    [2, 3, 0]
    """
    flat = strength.flatten()
    order = flat.nan_to_num(-torch.inf).argsort(descending=True, stable=True)
    return order[: int(flat.isfinite().sum())].tolist()


def random_strengths(
    strength: Float[Tensor, "source target"], nodes: Nodes, n: int, seed: int
) -> Iterator[Float[Tensor, "source target"]]:
    """Strengths that change places among the edges from one layer's nodes of a kind to another's.

    So a circuit of them has the layers of the one in question, and random nodes in each.

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
    written = [(source.layer, source.head is None) for source in nodes.sources]
    read = [(target.layer, target.entry) for target in nodes.targets]
    by_kind: dict[object, list[int]] = {}
    for source, target in nodes.allowed.nonzero().tolist():
        kind = written[source], read[target]
        by_kind.setdefault(kind, []).append(source * len(read) + target)
    return [torch.tensor(places) for places in by_kind.values()]


def _first(order: Int[Tensor, " edge"], n: int, nodes: Nodes) -> Edges:
    kept = torch.zeros(nodes.allowed.numel(), dtype=torch.bool)
    kept[order[:n]] = True
    return on_paths(kept.view_as(nodes.allowed), nodes)


@functools.lru_cache(maxsize=64)
def _stages(nodes: Nodes) -> tuple[slice, ...]:
    """Sources that are computed together, in order; the embedding first."""
    found: list[slice] = []
    start = 0
    for at, source in enumerate(nodes.sources):
        if source.stage != nodes.sources[start].stage:
            found.append(slice(start, at))
            start = at
    return (*found, slice(start, len(nodes.sources)))
