"""Do two measurements put things in the same order?"""

from __future__ import annotations

import torch
from jaxtyping import Float
from scipy.stats import rankdata
from torch import Tensor


def rank_correlation(one: Float[Tensor, " value"], other: Float[Tensor, " value"]) -> float:
    """Spearman's: the correlation of ranks. NaN where all values of one are the same.

    >>> round(rank_correlation(torch.tensor([1.0, 2.0, 9.0]), torch.tensor([0.1, 0.3, 0.2])), 3)
    0.5
    """
    ranks = torch.stack([torch.from_numpy(rankdata(each)) for each in (one, other)])
    return float(torch.corrcoef(ranks)[0, 1])
