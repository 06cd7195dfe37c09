"""What a part of a model adds by chance: shares of random tokens in the target's place."""

from __future__ import annotations

import random
from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float, Int
from scipy.special import ndtri
from torch import Tensor

from circuit_widgets.prompts.targets import Target


def random_tokens(target: Target, n: int, n_vocab: int, seed: int) -> Int[Tensor, "side draw"]:
    """Tokens that stand for a target, other ones, each once; for a pair as many pairs of two.

    They are drawn by the target itself, so that what a prompt is compared with does not depend on
    which other prompts there are. A small vocabulary has fewer than `n`.

    >>> random_tokens(Target(2), 8, 5, seed=0).sort().values
    tensor([[0, 1, 3, 4]])
    >>> random_tokens(Target(2, 0), 8, 50, seed=0).shape
    torch.Size([2, 8])
    """
    # Text, because it seeds the same everywhere.
    generator = random.Random(f"{seed} {target.id} {target.against}")
    if target.against is None:
        drawn = torch.tensor(generator.sample(range(n_vocab - 1), min(n, n_vocab - 1)))
        return (drawn + (drawn >= target.id))[None]
    pairs = n_vocab * (n_vocab - 1)
    drawn = torch.tensor(generator.sample(range(pairs), min(n, pairs)))
    first, second = drawn // (n_vocab - 1), drawn % (n_vocab - 1)
    # A token against itself is no difference.
    return torch.stack([first, second + (second >= first)])


def raised(
    shares: Mapping[str, Float[Tensor, "batch *part draw"]],
    logit: Float[Tensor, "batch draw"],
    likeliest: Bool[Tensor, " batch"],
    n_vocab: int,
    seed: int,
) -> dict[str, Float[Tensor, "batch *part draw"]]:
    """Shares of random tokens, as those of the likeliest one where a row's target is that.

    The likeliest of a vocabulary was chosen for its logit, so that all parts add more to it than to
    a random token, also in a model that says nothing. If shares are normal, a part's share is, for
    a given logit, what its regression on the logit says, and what is left does not depend on
    how a token was chosen. So each random token's logit becomes what the highest of `n_vocab`
    normal ones could be, and its shares follow their regressions.

    >>> logit = torch.randn(1, 256, generator=torch.Generator().manual_seed(0))
    >>> shares = {"a": 0.75 * logit, "b": 0.25 * logit}
    >>> found = raised(shares, logit, torch.tensor([True]), 1000, seed=0)
    >>> bool((found["a"] / found["b"] - 3).abs().max() < 1e-4), bool(found["a"].min() > 1)
    (True, True)
    """
    if not bool(likeliest.any()):
        return dict(shares)
    n = logit.shape[1]
    generator = torch.Generator().manual_seed(seed)
    places = (torch.randperm(n, generator=generator) + 0.5).double() / n
    highest = torch.from_numpy(ndtri((places ** (1 / n_vocab)).numpy())).to(logit)
    mean, spread = logit.mean(1, keepdim=True), logit.std(1, keepdim=True)
    step = (mean + spread * highest - logit) * likeliest[:, None]
    centred = logit - mean
    least = torch.finfo(logit.dtype).tiny
    square = centred.square().sum(1).clamp(min=least)
    found = {}
    for name, of in shares.items():
        slope = torch.einsum("b...d,bd->b...", of, centred)
        slope = slope / square.view(-1, *[1] * (slope.ndim - 1))
        found[name] = of + torch.einsum("b...,bd->b...d", slope, step)
    return found
