"""Do two measurements put things in the same order?"""

from __future__ import annotations

import torch
from jaxtyping import Float
from scipy.stats import rankdata
from torch import Tensor


def rank_correlation(
    one: Float[Tensor, "*draws n"], other: Float[Tensor, "*draws n"]
) -> Float[Tensor, "*draws"]:
    """Spearman's, of numbers without NaN: the correlation of their ranks.

    NaN where all numbers of one are the same.

    >>> rank_correlation(torch.tensor([1.0, 2.0, 9.0]), torch.tensor([0.1, 0.3, 0.2]))
    tensor(0.5000)
    """
    ranks = [torch.from_numpy(rankdata(each.numpy(), axis=-1)) for each in (one, other)]
    centred = [each - each.mean(-1, keepdim=True) for each in ranks]
    sides = [each / each.norm(dim=-1, keepdim=True) for each in centred]
    return (sides[0] * sides[1]).sum(-1).float()
