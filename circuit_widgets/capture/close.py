"""Whether two ways came to the same logits."""

from __future__ import annotations

import torch
from torch import Tensor

# Largest difference between two ways to the same logits, as a share of the largest logit.
_TOLERANCE = {torch.float16: 2e-2, torch.bfloat16: 6e-2}
# Values compared at a time: 64 MB in float32.
_CHUNK = 2**24


def close(logits: Tensor, clean: Tensor) -> bool:
    """Whether logits are the clean ones, up to rounding; `clean` may be longer, and one row.

    A model with broken weights is causal all the same: two values that are no numbers agree.
    """
    clean = clean[:, : logits.shape[1]].float()
    largest = float(clean.nan_to_num(0, 0, 0).abs().max())
    most = _TOLERANCE.get(logits.dtype, 1e-4) * max(1.0, largest)
    step = max(1, _CHUNK // max(1, logits[:1].numel()))
    # One clean row for all, or each its own.
    clean = clean.nan_to_num().expand(len(logits), *clean.shape[1:])
    pairs = zip(logits.split(step), clean.split(step), strict=True)
    return all(bool((rows.float().nan_to_num() - own).abs().max() <= most) for rows, own in pairs)


def alike(one: Tensor, other: Tensor) -> bool:
    """Whether two activations of one shape are the same, up to rounding.

    >>> alike(torch.ones(2), torch.ones(2) + 1e-6), alike(torch.ones(2), torch.zeros(2))
    (True, False)
    """
    tolerance = _TOLERANCE.get(other.dtype, 1e-4)
    one, other = one.float().nan_to_num(), other.float().nan_to_num()
    most = tolerance * max(1.0, float(other.abs().max()))
    return one.shape == other.shape and bool((one - other).abs().max() <= most)
