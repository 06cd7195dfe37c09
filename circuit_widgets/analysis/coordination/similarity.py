"""How similar two heads are: four measures, for all pairs at once, each with its null."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from scipy import stats
from torch import Tensor

from circuit_widgets.analysis.coordination.rows import (
    activations,
    contributions,
    few_rows,
    write_spaces,
    written,
)
from circuit_widgets.capture.stopping import check_stop
from circuit_widgets.causal.metrics import Metric
from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.statistics.permutations import Shuffles, shuffled_values, two_sided, upper

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

METHODS = ("contribution", "pearson", "cka", "projection")


@dataclasses.dataclass(frozen=True)
class Similarity:
    """Of every pair i < j, in the order of `torch.triu_indices(n, n, 1)`; about: its null."""

    value: Float[Tensor, " pair"]
    p: Float[Tensor, " pair"]
    null_mean: Float[Tensor, " pair"]
    null_std: Float[Tensor, " pair"]
    about: str


def similarity(
    model: TransformerBridge,
    prompts: Prompts,
    layers: Sequence[int],
    method: str,
    metric: Metric,
    *,
    n_permutations: int,
    batch: int,
    seed: int,
) -> Similarity:
    """Compare all heads of some layers by one of `METHODS`.

    >>> from circuit_widgets import load_model
    >>> from circuit_widgets.prompts import Prompts
    >>> from circuit_widgets.causal.metrics import next_token_logp
    >>> model = load_model()
    >>> texts = Prompts(model, ["blue dog seven river blue dog", "cat seven dog cat seven dog"])
    >>> alike = similarity(
    ...     model, texts, [0, 1], "pearson", next_token_logp, n_permutations=20, batch=8, seed=0
    ... )
    >>> alike.value.shape
    torch.Size([28])
    """
    if method == "projection":
        return projection(write_spaces(model, layers), int(model.cfg.d_model))
    if method == "contribution":
        values, rows = contributions(model, prompts, layers, metric, batch)
        few_rows(len(rows), "at which a head can change the metric")
        return contribution(values, Shuffles(rows, n_permutations, seed))
    z, rows = activations(model, prompts, layers, batch)
    shuffles = Shuffles(rows, n_permutations, seed)
    if method == "pearson":
        return pearson(z, shuffles)
    return cka(written(model, layers, z), shuffles)


def contribution(values: Float[Tensor, "row head"], shuffles: Shuffles) -> Similarity:
    """Spearman's correlation of contributions, centred by mean and position."""
    centred = shuffles.rows.centred(values.double())
    # What is left of a constant is rounding, which has ranks too.
    flat = centred.abs().amax(0) <= 1e-6 * values.abs().amax(0)
    centred[:, flat] = math.nan
    ranks = torch.from_numpy(np.asarray(stats.rankdata(centred.numpy(), axis=0))).float()
    unit = _unit(ranks)
    i, j = _upper_pairs(unit.shape[1])
    # Where prompts are shifted, each by its own number of places, their means at a position are no
    # longer 0 as they were: less would vary in the data than in its null.
    shifted = not all(shuffles.rows.whole(block) or block[0] == 1 for block in shuffles.rows.blocks)

    def shuffled(index: Tensor) -> Tensor:
        moved = unit[index]
        moved = _unit(shuffles.rows.centred(moved)) if shifted else moved
        return (unit.T @ moved)[:, i, j]

    null = shuffled_values(shuffled, shuffles, unit.numel())
    return _signed((unit.T @ unit)[i, j], null, shuffles)


def pearson(z: Float[Tensor, "row head d_head"], shuffles: Shuffles) -> Similarity:
    """Pearson's correlation of flattened activations, one mean a head."""
    # [row, d_head, head]: the numbers of a head in one column.
    flat = _unit(z.transpose(1, 2).flatten(0, 1)).unflatten(0, (z.shape[0], -1))
    table = flat.flatten(0, 1).T
    i, j = _upper_pairs(z.shape[1])

    def shuffled(index: Tensor) -> Tensor:
        moved = flat[index.to(flat.device)].flatten(1, 2)
        return (table @ moved)[:, i, j]

    null = shuffled_values(shuffled, shuffles, flat.numel())
    return _signed((table @ table.T)[i, j].cpu(), null, shuffles)


def cka(writes: Float[Tensor, "row head d_head"], shuffles: Shuffles) -> Similarity:
    """Debiased linear CKA.

    The unbiased HSIC of linear kernels (Song et al. 2012) without the kernels [row, row]: their
    diagonals and row sums, and the products of two heads' writes [d_head, d_head], are enough.
    """
    n, heads, d = writes.shape
    x = writes - writes.mean(0)
    # One scale for a head does not change it, and keeps float32 away from its ends.
    x = x / x.square().sum((0, 2), keepdim=True).sqrt()
    diagonal = x.square().sum(2)
    # The kernel's row sums without the diagonal; x sums to 0 over rows.
    sums = torch.einsum("rhd,hd->rh", x, x.sum(0)) - diagonal
    total = sums.sum(0)
    wide = x.flatten(1)
    i, j = _upper_pairs(heads)

    def products(moved: Tensor) -> Float[Tensor, "head head"]:
        """Sums of squares of all pairs' x_i^T x_j, some heads i at a time."""
        step = max(1, 2**25 // (d * d * heads))
        parts = [
            (wide[:, at * d : (at + step) * d].T @ moved)
            .square()
            .unflatten(1, (heads, d))
            .sum(2)
            .unflatten(0, (-1, d))
            .sum(1)
            for at in range(0, heads, step)
        ]
        return torch.cat(parts)

    def hsic(index: Tensor | None) -> Float[Tensor, "head head"]:
        """Of every head with every head whose rows are taken in another order."""
        mixed, crossed, beside = (
            each if index is None else each[index] for each in (wide, diagonal, sums)
        )
        return (
            products(mixed)
            - diagonal.T @ crossed
            + total[:, None] * total / ((n - 1) * (n - 2))
            - 2 / (n - 2) * sums.T @ beside
        ) / (n * (n - 3))

    clean = hsic(None)
    own = clean.diagonal()
    scale = torch.where(own > 0, own, math.nan).sqrt()
    scale = (scale[:, None] * scale)[i, j]

    def shuffled(index: Tensor) -> Tensor:
        return torch.stack([hsic(one)[i, j] / scale for one in index.to(x.device)])

    null = shuffled_values(shuffled, shuffles, wide.numel())
    value = (clean[i, j] / scale).cpu()
    return _of_null(value, upper(value, null), null, shuffles)


def projection(bases: Sequence[Float[Tensor, "rank d_model"]], d_model: int) -> Similarity:
    """How much of the smaller of two spaces lies in the other: 1 is all, in which it is contained.

    The null is two spaces of these ranks in random directions, r1 r2 / d on average. Its mean and
    variance are exact; p is a beta distribution's of that mean and variance, exact for rank 1.
    """
    i, j = (each.numpy() for each in _upper_pairs(len(bases)))
    rank = np.array([len(basis) for basis in bases], dtype=float)
    joined = torch.cat([basis.float() for basis in bases])
    of = torch.repeat_interleave(torch.arange(len(bases)), torch.tensor(rank).long())
    overlap = torch.zeros(len(bases), len(bases))
    start = 0
    for at, basis in enumerate(bases):
        check_stop()
        # With itself and those after it.
        shared = (basis.float() @ joined[start:].T).square().sum(0)
        overlap[at].index_add_(0, of[start:], shared)
        start += len(basis)
    r, s = rank[i], rank[j]
    with np.errstate(divide="ignore", invalid="ignore"):
        least = np.where(np.minimum(r, s) > 0, np.minimum(r, s), np.nan)
        value = overlap.double().numpy()[i, j] / least
        mean = r * s / d_model / least
        spread = 2 * r * s * (d_model - r) * (d_model - s)
        variance = spread / (d_model**2 * (d_model - 1) * (d_model + 2)) / least**2
        mass = mean * (1 - mean) / variance - 1
        p = stats.beta.sf(value, mean * mass, (1 - mean) * mass)
        # A space that is all of the residual stream contains every other: nothing to test.
        p = np.where(variance > 0, p, np.nan)
    columns = [torch.from_numpy(each).float() for each in (value, p, mean, np.sqrt(variance))]
    return Similarity(*columns, about="random subspaces of the same ranks")


def _unit(values: Float[Tensor, "... row head"]) -> Float[Tensor, "... row head"]:
    """Columns of mean 0 and length 1; a constant one is missing."""
    centred = values - values.mean(-2, keepdim=True)
    length = centred.square().sum(-2, keepdim=True).sqrt()
    return centred / torch.where(length > 0, length, math.nan)


def _upper_pairs(n: int) -> tuple[Tensor, Tensor]:
    i, j = torch.triu_indices(n, n, 1)
    return i, j


def _signed(value: Tensor, null: Tensor, shuffles: Shuffles) -> Similarity:
    return _of_null(value, two_sided(value, null), null, shuffles)


def _of_null(value: Tensor, p: Tensor, null: Tensor, shuffles: Shuffles) -> Similarity:
    about = f"{shuffles.n} {shuffles.about}"
    return Similarity(value, p, null_mean=null.mean(0), null_std=null.std(0), about=about)
