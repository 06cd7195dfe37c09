"""Middle and spread that a few wild values do not move."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

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


def median_interval(values: Sequence[float], confidence: float) -> tuple[float, float, float]:
    """The median, and the interval that two of the sorted values make; NaN where so few make none.

    It holds whatever the values' distribution is (Conover 1999, Practical Nonparametric Statistics,
    section 3.2): as many values are left out at either end as still cover the median so often.

    >>> median_interval([3.0, 1.0, 2.0, 5.0, 4.0, 90.0], 0.95)
    (3.5, 1.0, 90.0)
    >>> median_interval([1.0, 2.0, 3.0], 0.95)
    (2.0, nan, nan)
    """
    n, ordered = len(values), sorted(values)
    # How often fewer than so many values are below the median.
    below = [sum(math.comb(n, k) for k in range(out + 1)) / 2**n for out in range(n // 2)]
    out = sum(1 - 2 * share >= confidence for share in below)
    if not out:
        return median(values) if values else math.nan, math.nan, math.nan
    return median(values), ordered[out - 1], ordered[n - out]
