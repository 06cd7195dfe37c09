"""How far scores of edges agree with what a circuit is by construction."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from scipy.stats import rankdata
from torch import Tensor

from circuit_widgets.causal.nodes import Nodes
from tests.generated.parts import Planted

# Scores under that share of the largest are rounding in float32.
ROUNDING = 1e-6


def true_matrix(plan: Planted, nodes: Nodes) -> Bool[Tensor, "source target"]:
    """The true edges at their places."""
    targets = {target.name: at for at, target in enumerate(nodes.targets)}
    true = torch.zeros_like(nodes.allowed)
    for source, target in plan.true_edges():
        true[nodes.source_at[source], targets[target]] = True
    assert not (true & ~nodes.allowed).any(), "no edge goes back"
    return true


def strengths(score: Float[Tensor, "source target"]) -> Float[Tensor, "source target"]:
    """Sizes without what is rounding; NaN where there is no edge."""
    size = score.abs()
    low = size < ROUNDING * size.nan_to_num().max()
    return torch.where(low, 0, size)


def auroc(score: Float[Tensor, "source target"], true: Bool[Tensor, "source target"]) -> float:
    """Over all thresholds: the share of pairs in which the true edge is the stronger; ties half.

    Mann-Whitney's U over the number of pairs.

    >>> true = torch.tensor([[True, True], [False, False]])
    >>> auroc(torch.tensor([[3.0, -2.0], [1.0, float("nan")]]), true)
    1.0
    >>> auroc(torch.tensor([[3.0, 0.0], [1.0, 0.0]]), true)
    0.625
    """
    size = strengths(score)
    there = size.isfinite()
    right, ranks = true[there], torch.from_numpy(rankdata(size[there].numpy()))
    n, m = int(right.sum()), int((~right).sum())
    return float(ranks[right].sum() - n * (n + 1) / 2) / (n * m)


def missed(
    score: Float[Tensor, "source target"], true: Bool[Tensor, "source target"]
) -> Bool[Tensor, "source target"]:
    """True edges that are no stronger than the strongest of the others."""
    size = strengths(score)
    return true & (size <= size[~true].nan_to_num().max())
