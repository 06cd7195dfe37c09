"""Sites of heads as [batch, pos, head, d_head], however a model's hook points show them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch import Tensor

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

Touch = Callable[[Tensor], "Tensor | None"]


def by_head(model: TransformerBridge, layer: int, site: str, touch: Touch) -> Touch:
    """What is to be hooked at a site, so that `touch` is given its usual shape.

    In latent attention (DeepSeek; GLM's) queries, keys and values are shown [batch, head, pos,
    d_head], and z is cut into heads of the size of the rotary part, which are twice as many or more
    than there are.
    """
    attention: Any = model.blocks[layer].attn
    size = getattr(attention.original_component, "v_head_dim", None)
    if size is None or site not in ("q", "k", "v", "z"):
        return touch
    return functools.partial(_latent_z if site == "z" else _latent, touch, size)


def _latent(touch: Touch, size: int, tensor: Tensor) -> Tensor | None:
    edited = touch(tensor.transpose(1, 2))
    return None if edited is None else edited.transpose(1, 2)


def _latent_z(touch: Touch, size: int, tensor: Tensor) -> Tensor | None:
    edited = touch(tensor.flatten(2).unflatten(-1, (-1, size)))
    return None if edited is None else edited.reshape(tensor.shape)
