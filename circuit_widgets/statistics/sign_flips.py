"""Is a mean over prompts other than 0? The same values with their signs flipped at random."""

from __future__ import annotations

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


def _signs(n: int, most: int, seed: int) -> Float[Tensor, "flip sample"]:
    """All ways to flip signs but their mirror images and the one there is, or a random choice."""
    if 2 ** (n - 1) <= most + 1:
        codes = torch.arange(1, 2 ** (n - 1))
        return 1.0 - 2.0 * ((codes[:, None] >> torch.arange(n)) & 1)
    generator = torch.Generator().manual_seed(seed)
    return 1.0 - 2.0 * torch.randint(2, (most, n), generator=generator)
