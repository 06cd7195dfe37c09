"""How much of the spaces that heads can write to is shared: by the weights alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from scipy import stats
from torch import Tensor

from circuit_widgets.analysis.coordination.measures import upper_pairs
from circuit_widgets.capture.stopping import check_stop


def projection(
    bases: Sequence[Float[Tensor, "rank d_model"]], d_model: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """How much of the smaller of two spaces lies in the other: 1 is all, in which it is contained.

    Value, p, and the mean and standard deviation of the null, of every pair i < j.

    The null is two spaces of these ranks in random directions, r1 r2 / d on average. Its mean and
    variance are exact; p is a beta distribution's of that mean and variance, exact for rank 1.
    """
    i, j = (each.numpy() for each in upper_pairs(len(bases)))
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
    value, p, mean, spread = (
        torch.from_numpy(each).float() for each in (value, p, mean, np.sqrt(variance))
    )
    return value, p, mean, spread
