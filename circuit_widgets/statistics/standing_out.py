"""What stands out among few others: robust z, and how often one is as high by chance."""

from __future__ import annotations

import functools
import math

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.statistics.robust import MAD

# The null of a robust z is read from so many values: with 8 a sample, that is 125,000 samples.
_DRAWN = 1_000_000
_TINY = 1e-12


def among_others(
    values: Float[Tensor, "row value"], least: float
) -> tuple[Float[Tensor, "row value"], Float[Tensor, "row value"]]:
    """Robust z of each value of a row among all of them, and how often one is as high by chance.

    z = (value - median) / max(1.4826 MAD, least). The p of it is not that of a normal distribution:
    the median and the MAD of few values vary much, and 2.8 % of the z of eight normal values are
    2.5 or more, not 0.6 %. So p is the share of z that is as high in samples of as many normal
    values (drawn once, the same always). With `least` in the place of a smaller MAD, z is nearer to
    0 than there, and p is too high rather than too low. Halfway between two medians is the median:
    of a row that falls into two halves, the lower one would call the other half out of line.

    Args:
        values: Of each row by itself. NaN is no value and stays NaN.
        least: The least spread.

    >>> z, p = among_others(torch.tensor([[0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]]), 0.1)
    >>> round(float(z.max()), 2)
    0.67
    >>> z, p = among_others(torch.tensor([[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 19.0]]), 0.1)
    >>> round(float(z[0, -1]), 1), round(float(p[0, -1]), 3)
    (5.2, 0.003)
    """
    values = values.double()
    z = _robust_z(values, least)
    p = torch.full_like(z, math.nan)
    for row, there in enumerate(~z.isnan()):
        if there.any():
            p[row, there] = _chance(z[row, there], int(there.sum()))
    return z.float(), p.float()


def _robust_z(values: Float[Tensor, "row value"], least: float) -> Float[Tensor, "row value"]:
    middle = values.nanquantile(0.5, 1, keepdim=True)
    spread = MAD * (values - middle).abs().nanquantile(0.5, 1, keepdim=True)
    return (values - middle) / spread.clamp_min(max(least, _TINY))


def _chance(z: Float[Tensor, " value"], n: int) -> Float[Tensor, " value"]:
    """How often a robust z of n normal values is as high."""
    null = _null(n)
    # What is the same but for rounding counts as as high.
    nearer = torch.searchsorted(null, (z - 1e-6 * z.abs()).cpu().contiguous())
    return ((1 + len(null) - nearer).double() / (1 + len(null))).to(z.device)


@functools.lru_cache(maxsize=16)
def _null(n: int) -> Float[Tensor, " value"]:
    """Robust z of samples of n normal values, in order."""
    generator = torch.Generator().manual_seed(0)
    samples = torch.randn(math.ceil(_DRAWN / n), n, generator=generator, dtype=torch.double)
    return _robust_z(samples, 0.0).flatten().sort().values
