"""Edits of a pattern where transformers computes the attention (GPT-J, GPT-Neo, OPT).

There `hook_pattern` shows weights that have been used already. While the attention of such a layer
runs, its softmax goes through the edits instead, so that they are made before the values are
weighted (editable.py measures whether that holds).
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from circuit_widgets.capture.foreign import silenced

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

Touch = Callable[[Tensor], "Tensor | None"]
# By model, what stands in its softmaxes in every pass (standing.py).
standing_touches: weakref.WeakKeyDictionary[TransformerBridge, Mapping[int, Sequence[Touch]]] = (
    weakref.WeakKeyDictionary()
)
# Models whose pass does what stands together with its own edits.
merging: weakref.WeakSet[TransformerBridge] = weakref.WeakSet()
SOFTMAX = {torch.softmax, torch.nn.functional.softmax, Tensor.softmax, torch.special.softmax}


class _Softmax(TorchFunctionMode):
    """Hands the softmax of the layer that runs its attention to the layer's edits."""

    def __init__(self, touches: Mapping[int, Sequence[Touch]], n_heads: int) -> None:
        super().__init__()
        self._touches, self._n_heads = touches, n_heads
        # The layer whose attention runs now, and the rows of its batch.
        self.at: tuple[int, int] | None = None

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if self.at is None or func not in SOFTMAX:
            return out
        layer, n_rows = self.at
        # [batch, head, query, key], or the first two as one (XGLM); a router's has fewer axes.
        if out.ndim != 4 and out.shape[0] != n_rows * self._n_heads:
            return out
        edited = out if out.ndim == 4 else out.unflatten(0, (n_rows, self._n_heads))
        for touch in self._touches[layer]:
            changed = touch(edited)
            edited = edited if changed is None else changed
        return edited.reshape(out.shape)


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
    # What stands comes first. It would come last by itself, from inside the layer.
    first = {} if model in silenced else standing_touches.get(model, {})
    touches = {
        layer: [*first.get(layer, ()), *touches.get(layer, ())] for layer in {*first, *touches}
    }
    mode, handles = _Softmax(touches, int(model.cfg.n_heads)), []

    def begin(layer: int) -> Callable[..., None]:
        def note(_: Any, args: tuple, kwargs: dict[str, Any]) -> None:
            stream = args[0] if args else kwargs["hidden_states"]
            mode.at = layer, len(stream)

        return note

    def end(*_: Any) -> None:
        mode.at = None

    try:
        merging.add(model)
        for layer in touches:
            attention = model.blocks[layer].attn
            handles.append(attention.register_forward_pre_hook(begin(layer), with_kwargs=True))
            handles.append(attention.register_forward_hook(end))
        with mode:
            yield
    finally:
        merging.discard(model)
        for handle in handles:
            handle.remove()


@contextmanager
def alone(
    model: TransformerBridge, layer: int, touches: Sequence[Touch], n_rows: int
) -> Iterator[None]:
    """Within one layer's attention, its weights go through functions before they are used."""
    mode = _Softmax({layer: touches}, int(model.cfg.n_heads))
    mode.at = layer, n_rows
    with mode:
        yield
