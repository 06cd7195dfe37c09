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
    step = max(1, _CHUNK // max(1, clean.numel()))
    clean = clean.nan_to_num()
    return all(
        bool((rows.float().nan_to_num() - clean).abs().max() <= most) for rows in logits.split(step)
    )
