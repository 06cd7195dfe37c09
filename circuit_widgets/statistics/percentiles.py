"""Between what most draws are."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def percentiles(
    draws: Float[Tensor, "draw ..."], confidence: float, interpolation: str = "linear"
) -> tuple[Float[Tensor, ...], Float[Tensor, ...]]:
    """The ends between which a share `confidence` of the draws are, as many beyond either.

    >>> percentiles(torch.arange(101.0), 0.9)
    (tensor(5.), tensor(95.))
    """
    ends = torch.tensor([(1 - confidence) / 2, (1 + confidence) / 2], dtype=draws.dtype)
    low, high = draws.quantile(ends, dim=0, interpolation=interpolation)
    return low, high
