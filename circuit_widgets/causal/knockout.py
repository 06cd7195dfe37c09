"""Cut one position off from another: rows of one batch, each with its own cut."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets import capture


class Cut:
    """Intervention: the last query no longer sees one key, another one in each row.

    As `capture.knock_out` (Geva et al. 2023), for many keys in one pass. The first row is left as
    it is.

    Args:
        keys: Which key, by row, from the second row on.
        renormalise: Whether the rest of the query's weights grows to their former sum, by row.
        layers: In which layers.
    """

    site = "pattern"

    def __init__(self, keys: Sequence[int], renormalise: Sequence[bool], layers: range) -> None:
        self.layers = frozenset(layers)
        self._keys, self._renormalise = torch.tensor(keys), torch.tensor(renormalise)

    def edit(
        self, layer: int, tensor: Float[Tensor, "batch head query key"]
    ) -> Float[Tensor, "batch head query key"]:
        rows = torch.arange(1, len(tensor), device=tensor.device)
        left = tensor.clone()
        left[rows, :, -1, self._keys.to(tensor.device)] = 0
        before, after = (each[1:, :, -1].float().sum(-1, keepdim=True) for each in (tensor, left))
        grow = self._renormalise.to(tensor.device)[:, None, None] & (after > 0)
        factor = torch.where(grow, before / after.clamp_min(1e-30), 1)
        left[1:, :, -1] = (left[1:, :, -1].float() * factor).to(left.dtype)
        return left


def knocked_out(
    prefix: capture.Prefix,
    ids: Int[Tensor, " pos"],
    target: int,
    keys: Sequence[int],
    layers: range,
) -> Float[Tensor, "2 key"]:
    """Log probability of the target lost by each cut, in nats: without and with renormalising.

    Only the last position is computed: what comes before it does not see it.
    """
    cut = Cut([*keys, *keys], [False] * len(keys) + [True] * len(keys), layers)
    rows = ids[-1:].repeat(1 + 2 * len(keys), 1)
    logits = prefix.run(len(ids) - 1, rows, last=1, interventions=[cut])
    log = logits[:, -1].float().log_softmax(-1)[:, target].cpu()
    return (log[0] - log[1:]).unflatten(0, (2, len(keys)))
