"""Middle and spread that a few wild values do not move."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

# A median deviation of normal values is 0.67 standard deviations.
MAD = 1.4826


def median_and_spread(
    values: Float[Tensor, "*shape"], dim: int
) -> tuple[Float[Tensor, "*shape"], Float[Tensor, "*shape"]]:
    """Median and median absolute deviation, the latter as a standard deviation; NaN left out.

    Of values that are normal but for a few (Rousseeuw & Croux 1993). Both keep the dimension, of
    size 1. The lower of two medians is taken.

    >>> import torch
    >>> middle, spread = median_and_spread(torch.tensor([1.0, 2.0, 3.0, 90.0, float("nan")]), 0)
    >>> middle.tolist(), round(float(spread / MAD), 3)
    ([2.0], 1.0)
    """
    middle = values.nanmedian(dim, keepdim=True).values
    return middle, MAD * (values - middle).abs().nanmedian(dim, keepdim=True).values
