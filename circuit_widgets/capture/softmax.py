"""Edits of a pattern where transformers computes the attention (GPT-J, GPT-Neo, OPT).

There `hook_pattern` shows weights that have been used already. While the attention of such a layer
runs, its softmax goes through the edits instead, so that they are made before the values are
weighted (editable.py measures whether that holds).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

Touch = Callable[[Tensor], "Tensor | None"]
_SOFTMAX = {torch.softmax, torch.nn.functional.softmax, Tensor.softmax, torch.special.softmax}


class _Softmax(TorchFunctionMode):
    """Hands the softmax of the layer that runs its attention to the layer's edits."""

    def __init__(self, touches: Mapping[int, Sequence[Touch]]) -> None:
        super().__init__()
        self._touches = touches
        self.layer: int | None = None

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        # [batch, head, query, key]: a router's softmax has fewer axes.
        if self.layer is not None and func in _SOFTMAX and out.ndim == 4:
            for touch in self._touches[self.layer]:
                edited = touch(out)
                out = out if edited is None else edited
        return out


@contextmanager
def edited_softmax(
    model: TransformerBridge, touches: Mapping[int, Sequence[Touch]]
) -> Iterator[None]:
    """Within, the attention weights of these layers go through functions before they are used.

    The model's lock has to be held. Without layers it does nothing, and costs nothing.
    """
    if not touches:
        yield
        return
    mode, handles = _Softmax(touches), []

    def at(layer: int | None) -> Callable[..., None]:
        return lambda *_: setattr(mode, "layer", layer)

    try:
        for layer in touches:
            attention = model.blocks[layer].attn
            handles.append(attention.register_forward_pre_hook(at(layer)))
            handles.append(attention.register_forward_hook(at(None)))
        with mode:
            yield
    finally:
        for handle in handles:
            handle.remove()
