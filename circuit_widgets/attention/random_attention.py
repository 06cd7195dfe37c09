"""Attention of heads that look for nothing: what a shape of attention is compared with."""

from __future__ import annotations

import functools
import math

import torch
from jaxtyping import Float
from torch import Tensor

# Random heads of a text, and as many numbers as their patterns have at most.
_DRAWS, _NUMBERS = 512, 2**22
_FEWEST = 32
# Of rotary positions: half of the components of a small head.
_WAVES = 8


@functools.lru_cache(maxsize=8)
def random_attention(n: int) -> Float[Tensor, "1 draw query key"]:
    """Patterns of random heads on a text of `n` tokens, the same every time.

    A head's logits have a variance of 1: what the scale 1 / sqrt(d_head) makes of queries and keys
    that know nothing of each other and have components of variance 1 (Vaswani et al. 2017,
    Attention Is All You Need, section 3.2.1). Untrained heads have as much or less. Each head
    prefers, in shares drawn for it, some keys, some distances and some pairs of both: a preference
    that stays from row to row, as random embeddings and positions give, is no purpose either. The
    preferred distances of every other head are smooth, a random sum of the waves of rotary
    positions (Su et al. 2021, RoFormer, section 3.4.3).

    Of texts of over 90 tokens there are fewer heads than 512, and 32 at least.

    >>> random_attention(4).shape, bool((random_attention(4).sum(-1) - 1).abs().max() < 1e-5)
    (torch.Size([1, 512, 4, 4]), True)
    """
    draws = max(_FEWEST, min(_DRAWS, _NUMBERS // n**2))
    generator = torch.Generator().manual_seed(n)
    shares = torch.nn.functional.normalize(torch.randn(3, draws, generator=generator), dim=0)
    keys, distances = torch.randn(2, draws, n, generator=generator)
    distances[::2] = _waves(len(distances[::2]), n, generator)
    pairs = torch.randn(draws, n, n, generator=generator)
    position = torch.arange(n)
    back = (position[:, None] - position).clamp(min=0)
    by_key, by_distance, by_pair = shares[:, :, None, None]
    logits = by_key * keys[:, None] + by_distance * distances[:, back] + by_pair * pairs
    future = position > position[:, None]
    return logits.masked_fill(future, -math.inf).softmax(-1)[None]


def _waves(draws: int, n: int, generator: torch.Generator) -> Float[Tensor, "draw distance"]:
    """Random sums of waves over distance, of variance 1."""
    speed = 10_000.0 ** -(torch.arange(_WAVES) / _WAVES)
    turn = speed * torch.arange(n)[:, None]
    even, odd = torch.randn(2, draws, _WAVES, generator=generator) / math.sqrt(_WAVES)
    return even @ turn.cos().T + odd @ turn.sin().T
