"""The likeliest next tokens after each position."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets.attention.text import _CHUNK


@dataclass(frozen=True)
class TopNext:
    """What the model expects after each position.

    Attributes:
        ids: The likeliest next tokens, the likeliest first.
        probabilities: Of those, over the whole vocabulary.
        actual: Log-probability (nats) of the token that does follow.
    """

    ids: Int[Tensor, "pos k"]
    probabilities: Float[Tensor, "pos k"]
    actual: Float[Tensor, " pos"]


def top_next(
    logits: Float[Tensor, "pos vocab"], following: Int[Tensor, " pos"], k: int = 10
) -> TopNext:
    """The `k` likeliest tokens after each position (all of a smaller vocabulary), on the CPU.

    following: the token that follows each position. The last position has none: pass a negative
    id there, and its `actual` is NaN; any other id gets its log-probability.

    In float32 on the logits' device, a few positions at a time: at 1,024 positions the softmax over
    50,000 tokens would be 200 MB.
    """
    n_vocab = logits.shape[-1]
    ids, probabilities, actual = [], [], []
    for rows, targets in zip(
        logits.split(max(1, _CHUNK // n_vocab)),
        following.to(logits.device).split(max(1, _CHUNK // n_vocab)),
        strict=True,
    ):
        exact = rows.float()
        normaliser = exact.logsumexp(-1, keepdim=True)
        best = exact.topk(min(k, n_vocab), dim=-1)
        ids.append(best.indices.cpu())
        probabilities.append((best.values - normaliser).exp().cpu())
        logp = (exact.gather(-1, targets.clamp(min=0)[:, None]) - normaliser)[:, 0]
        actual.append(logp.masked_fill(targets < 0, math.nan).cpu())
    return TopNext(torch.cat(ids), torch.cat(probabilities), torch.cat(actual))
