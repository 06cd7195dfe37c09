"""Where an edit of attention weights has to be made, so that it reaches what the heads write."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from circuit_widgets.capture.foreign import without_foreign
from circuit_widgets.capture.hooks import Hooks
from circuit_widgets.capture.locks import lock

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# By model, how the pattern of each layer is edited: "pattern", "softmax", or None: it cannot be.
_found: weakref.WeakKeyDictionary[TransformerBridge, tuple[str | None, ...]] = (
    weakref.WeakKeyDictionary()
)


def where_edited(model: TransformerBridge, layer: int) -> str | None:
    """Where an edit of a layer's pattern has to be made: "pattern", "softmax", or nowhere.

    Tried once for each model, on a few tokens: where all attention weights are 0, every head's z
    must be 0. No list of architectures is asked.
    """
    if model not in _found:
        _found[model] = _try(model)
    return _found[model][layer]


def _try(model: TransformerBridge) -> tuple[str | None, ...]:
    n_layers = len(model.blocks)
    tokens = torch.arange(min(4, int(model.cfg.n_ctx)), device=model.cfg.device)[None]
    tokens = tokens.remainder(int(model.cfg.d_vocab))
    found: list[str | None] = [None] * n_layers
    for way in ("pattern", "softmax"):
        hooks = Hooks(model)
        silent: dict[int, bool] = {}
        for layer in range(n_layers):
            if found[layer] is None:
                hooks.at(layer, "z", _noting(silent, layer), must=False)
                add = hooks.at_softmax if way == "softmax" else hooks.at
                add(layer, "pattern", torch.zeros_like, must=False)
        # An edit that is lost is warned of, which is what is to be found out here.
        with lock(model), without_foreign(model), torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            hooks.around(lambda: model(tokens))
        for layer, is_silent in silent.items():
            if is_silent:
                found[layer] = way
        if None not in found:
            break
    return tuple(found)


def _noting(silent: dict[int, bool], layer: int) -> Callable[[Tensor], None]:
    def note(z: Tensor) -> None:
        silent[layer] = not bool(z.any())

    return note
