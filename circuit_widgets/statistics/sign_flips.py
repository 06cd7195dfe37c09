"""Is a mean over prompts other than 0? The same values with their signs flipped at random."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.statistics.permutations import discoveries, two_sided

# Flips that are tried at most; of few prompts there are fewer.
FLIPS = 512
# Float32 values of flipped means in flight: 256 MB.
_FLIGHT = 2**26


def sign_flip_q(
    samples: Float[Tensor, "sample test"], seed: int = 0, flips: int = FLIPS
) -> Float[Tensor, " test"]:
    """The share of false finds up to each mean, from flips of the samples' signs.

    If a mean is 0 and its samples are spread evenly around it, each sample is as likely with the
    other sign (Fisher 1935; for maps of the brain Nichols & Holmes 2002, Human Brain Mapping 15).
    A sample keeps or flips all of its tests at once, so that tests may depend on each other. Each
    p is counted over the flips of all tests, in their spreads (`two_sided`); q is of Benjamini &
    Hochberg 1995. NaN with fewer than 5 samples, whose 16 flips tell nothing.

    >>> draws = torch.randn(12, 200, generator=torch.Generator().manual_seed(0))
    >>> draws[:, 0] += 3
    >>> q = sign_flip_q(draws)
    >>> bool(q[0] < 0.05), int((q[1:] < 0.05).sum())
    (True, 0)
    """
    n, tests = samples.shape
    if n < 5:
        return torch.full((tests,), torch.nan)
    signs = _signs(n, flips, seed)
    # At most so many flips that their means fit; those there are stay a random choice.
    signs = signs[: max(16, _FLIGHT // max(1, tests))]
    values = samples.float().cpu()
    null = signs @ values / n
    return discoveries(two_sided(values.mean(0), null))


def sign_flip_bound(
    samples: Float[Tensor, "sample test"], confidence: float, seed: int = 0, flips: int = 4 * FLIPS
) -> float | None:
    """What the largest of all means, either sign, stays below where all of them are 0.

    The largest statistic under flips of the samples' signs (as `sign_flip_q`), stepped down: tests
    above the bound are taken out, and the others are held against what is left, until no more are
    above (Romano & Wolf 2005, JASA 100). So one strong test does not hide the others, and among all
    tests that are above the bound there is a false one at most as often as 1 - confidence. None
    where the samples are so few that no flip is that rare: 95 % takes 6.

    >>> draws = torch.randn(12, 200, generator=torch.Generator().manual_seed(0))
    >>> draws[:, 0] += 9
    >>> draws[:, 1] += 3
    >>> bound = sign_flip_bound(draws, 0.95)
    >>> (draws.mean(0).abs() > bound).nonzero().flatten().tolist()
    [0, 1]
    >>> sign_flip_bound(draws[:5], 0.95) is None
    True
    """
    n, tests = samples.shape
    if n < flips_needed(confidence) or not tests:
        return None
    signs = _signs(n, flips, seed)
    values = samples.double().cpu()
    mean, order = values.mean(0).abs().sort()
    # Of the weakest so many tests the largest of each flip, and, as one flip more, of none.
    some = max(1, _FLIGHT // tests)
    parts = [(part.double() @ values[:, order] / n).abs() for part in signs.split(some)]
    largest = torch.cat([part.cummax(1).values for part in parts])
    rank = math.floor((1 - confidence) * (len(signs) + 1) + 1e-9)
    left = tests
    while True:
        null = torch.cat([largest[:, left - 1], mean[left - 1 : left]])
        # A flip that is the same but for rounding counts as as large.
        bound = float(null.sort(descending=True).values[rank]) * (1 + 1e-6)
        beyond = int((mean[:left] > bound).sum())
        left -= beyond
        if not beyond or not left:
            return bound


def flips_needed(confidence: float) -> int:
    """How many samples there have to be for a flip of their signs to be as rare as that.

    >>> flips_needed(0.95), flips_needed(0.99)
    (6, 8)
    """
    return 1 + math.ceil(math.log2(1 / (1 - confidence)) - 1e-9)


def _signs(n: int, most: int, seed: int) -> Float[Tensor, "flip sample"]:
    """All ways to flip signs but their mirror images and the one there is, or a random choice."""
    if 2 ** (n - 1) <= most + 1:
        codes = torch.arange(1, 2 ** (n - 1))
        return 1.0 - 2.0 * ((codes[:, None] >> torch.arange(n)) & 1)
    generator = torch.Generator().manual_seed(seed)
    return 1.0 - 2.0 * torch.randint(2, (most, n), generator=generator)
