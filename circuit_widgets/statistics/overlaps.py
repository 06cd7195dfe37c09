"""How alike two sets, profiles or lists of numbers are, what of it is chance, how sure it is."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from circuit_widgets.statistics.intervals import t_quantile
from circuit_widgets.statistics.percentiles import percentiles


def jaccard(
    one: Bool[Tensor, "*draws n"], other: Bool[Tensor, "*draws n"]
) -> Float[Tensor, "*draws"]:
    """What two sets share, of all that is in either; NaN where both are empty.

    >>> jaccard(torch.tensor([True, True, False]), torch.tensor([True, False, False]))
    tensor(0.5000)
    """
    either = (one | other).sum(-1)
    return ((one & other).sum(-1) / either).where(either > 0, torch.nan)


def shared_mass(
    one: Float[Tensor, "*draws kind"], other: Float[Tensor, "*draws kind"]
) -> Float[Tensor, "*draws"]:
    """Jaccard of two profiles of shares: the smaller of both over the larger, summed (Ruzicka).

    >>> shared_mass(torch.tensor([0.5, 0.5]), torch.tensor([1.0, 0.0]))
    tensor(0.3333)
    """
    return torch.minimum(one, other).sum(-1) / torch.maximum(one, other).sum(-1)


def shared_effects(
    one: Float[Tensor, "*draws n"], other: Float[Tensor, "*draws n"]
) -> Float[Tensor, "*draws"]:
    """The same of numbers with a sign: what both have of one sign, over the larger of both.

    1 if they are equal, 0 if they share nothing. Small numbers count little.

    >>> shared_effects(torch.tensor([2.0, -1.0]), torch.tensor([1.0, 1.0]))
    tensor(0.2500)
    """
    one, other = one.nan_to_num(), other.nan_to_num()
    parts = [torch.cat([each.clamp(min=0), (-each).clamp(min=0)], -1) for each in (one, other)]
    return shared_mass(*parts)


def corrected(
    value: Float[Tensor, "*some"], chance: Float[Tensor, "*some"]
) -> Float[Tensor, "*some"]:
    """A likeness of which 0 is what chance gives, and 1 still is the most (Hubert & Arabie 1985).

    NaN where chance gives the most.

    >>> corrected(torch.tensor([0.75, 0.25]), torch.tensor(0.5))
    tensor([ 0.5000, -0.5000])
    """
    return ((value - chance) / (1 - chance)).where(chance < 1 - 1e-6, torch.nan)


def resampled(n: int, draws: int, seed: int) -> Int[Tensor, "draw n"]:
    """Draws of n things out of n, some of them several times: those of a bootstrap.

    >>> resampled(4, 2, seed=0).shape
    torch.Size([2, 4])
    """
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(n, (draws, n), generator=generator)


def split(n: int, splits: int, seed: int) -> tuple[Int[Tensor, "split half"], ...]:
    """Random halves that have nothing in common; one more is left out of an odd number.

    >>> one, other = split(5, 2, seed=0)
    >>> one.shape, bool((one[:, :, None] == other[:, None]).any())
    (torch.Size([2, 2]), False)
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.rand(splits, n, generator=generator).argsort(1)
    return order[:, : n // 2], order[:, n // 2 : 2 * (n // 2)]


def means_of(
    samples: Float[Tensor, "sample ..."], rows: Int[Tensor, "draw n"]
) -> Float[Tensor, "draw ..."]:
    """The mean over each draw's samples, in one product.

    >>> means_of(torch.tensor([1.0, 3.0]), torch.tensor([[0, 0], [0, 1]]))
    tensor([1., 2.])
    """
    counts = torch.zeros(len(rows), len(samples)).scatter_add_(1, rows, torch.ones(rows.shape))
    found = counts @ samples.reshape(len(samples), -1).float() / rows.shape[1]
    return found.unflatten(1, samples.shape[1:]) if samples.ndim > 1 else found[:, 0]


def bootstrap_interval(
    value: Float[Tensor, "*some"],
    draws: Float[Tensor, draw * some],
    n: int,
    confidence: float,
    most: float = 1.0,
) -> tuple[Float[Tensor, "*some"], Float[Tensor, "*some"]]:
    """Low and high end of what is at most `most`, by its values in draws of a bootstrap over n.

    The widest, at each end, of the percentiles of the draws and of Student's t with the draws'
    deviation, around the value and around the value without its bias (by as much as the draws' mean
    is off the value). A likeness of noisy numbers is biased, and what circuits share is a step
    function of them: over models of the zoo, of 16 prompts drawn from 32, percentiles alone held
    the overlap of all 32 in 82 to 100 % and the rank correlation in 62 to 80 % of cases; these in
    90 to 100 and in 87 to 97 %.

    >>> draws = torch.tensor([0.4, 0.5, 0.5, 0.6, 0.6])
    >>> low, high = bootstrap_interval(torch.tensor(0.5), draws, n=8, confidence=0.9)
    >>> bool(low < 0.4), bool(high > 0.6)
    (True, True)
    """
    low, high = percentiles(draws, confidence)
    # A bootstrap draws from n samples of which n - 1 are free.
    half = t_quantile(confidence, n - 1) * math.sqrt(n / (n - 1)) * draws.std(0)
    middles = torch.stack([value, 2 * value - draws.mean(0)])
    low = torch.minimum(low, middles.amin(0) - half)
    return low, torch.maximum(high, middles.amax(0) + half).clamp(max=most)
