"""Pictures of patterns in bytes, as a file and a page have them."""

from __future__ import annotations

import torch
from jaxtyping import Float, UInt8
from torch import Tensor


def as_bytes(
    pictures: Float[Tensor, "*some side side"],
) -> tuple[UInt8[Tensor, "*some side side"], Float[Tensor, "*some"]]:
    """Pictures in bytes, and what 255 stands for in each.

    >>> as_bytes(torch.tensor([[[0.5, 0.1]]]))
    (tensor([[[255,  51]]], dtype=torch.uint8), tensor([0.5000]))
    """
    scale = pictures.flatten(-2).amax(-1)
    shares = pictures / scale.clamp(min=1e-12)[..., None, None]
    return (shares * 255).round().nan_to_num(0).to(torch.uint8), scale
