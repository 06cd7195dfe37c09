"""How far out each of several prompts is, beside the others: medians with one left out."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.statistics.robust import MAD


def one_left_out(
    values: Float[Tensor, prompt * rest], floors: Float[Tensor, "*rest"]
) -> tuple[Float[Tensor, prompt * rest], Float[Tensor, prompt * rest]]:
    """Of each prompt, the median of the others and their robust deviation (1.4826 MAD).

    Medians are the lower ones. Without one of n the median is one of two values, so that all of
    them take three sorts.

    >>> values = torch.tensor([1.0, 2.0, 4.0, 9.0])
    >>> middle, spread = one_left_out(values, torch.tensor(0.01))
    >>> middle.tolist(), [round(float(each / 1.4826), 3) for each in spread]
    ([4.0, 4.0, 2.0, 2.0], [2.0, 3.0, 1.0, 1.0])
    """
    n = len(values)
    ranks = values.argsort(dim=0, stable=True).argsort(dim=0, stable=True)
    ordered = values.sort(0).values
    at = (n - 2) // 2
    high = ranks <= at
    middle = torch.where(high, ordered[at + 1], ordered[at])
    away = torch.empty_like(values)
    for centre, chosen in ((ordered[at + 1], high), (ordered[at], ~high)):
        apart = (values - centre).abs()
        place = apart.argsort(dim=0, stable=True).argsort(dim=0, stable=True)
        sizes = apart.sort(0).values
        left = torch.where(place <= at, sizes[at + 1], sizes[at])
        away = torch.where(chosen, left, away)
    return middle, (MAD * away).maximum(floors)


def furthest_q(
    case: Float[Tensor, " part"], healthy: Float[Tensor, "prompt part"]
) -> Float[Tensor, " part"]:
    """How often the furthest part of a healthy prompt is as far out as this part of the case.

    The largest statistic (Westfall & Young 1993): under the null that the case is one more healthy
    prompt, any part of it has q of at most a as often as a, whatever the parts have to do with
    each other. With n prompts it is 1 / (n + 1) at least. NaN is no part.

    >>> furthest_q(torch.tensor([5.0, 1.0]), torch.tensor([[0.0, 2.0], [3.0, 1.0]]))
    tensor([0.3333, 1.0000])
    """
    most = healthy.nan_to_num(-torch.inf).amax(1)
    beyond = (most[:, None] >= case - 1e-6).sum(0)
    q = (1 + beyond).float() / (1 + len(healthy))
    return torch.where(case.isfinite(), q, torch.nan)
