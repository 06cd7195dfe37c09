"""Sites of heads as [batch, pos, head, d_head], however a model's hook points show them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

from torch import Tensor

from circuit_widgets.weights.latent import is_latent

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

Touch = Callable[[Tensor], "Tensor | None"]


def by_head(model: TransformerBridge, layer: int, site: str, touch: Touch) -> Touch:
    """What is to be hooked at a site, so that `touch` is given its usual shape.

    In latent attention queries, keys and values are shown [batch, head, pos, d_head], and z is cut
    into heads of the size of the rotary part, which are twice as many or more than there are. A
    tensor that has as many heads as the model where they belong is left as it is.
    """
    if site not in ("q", "k", "v", "z") or not is_latent(model.blocks[layer].attn):
        return touch
    reshaped = _latent_z if site == "z" else _latent
    return functools.partial(reshaped, touch, int(model.cfg.n_heads))


def _latent(touch: Touch, n_heads: int, tensor: Tensor) -> Tensor | None:
    if tensor.shape[1] != n_heads:
        return touch(tensor)
    edited = touch(tensor.transpose(1, 2))
    return None if edited is None else edited.transpose(1, 2)


def _latent_z(touch: Touch, n_heads: int, tensor: Tensor) -> Tensor | None:
    edited = touch(tensor.flatten(2).unflatten(-1, (n_heads, -1)))
    return None if edited is None else edited.reshape(tensor.shape)
