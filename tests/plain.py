"""A model read without this package and without a bridge: transformers' own, with plain hooks.

What the analyses must come to. Attention weights are taken from, and changed in, the softmax that
transformers calls; z is what goes into a layer's last projection.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.nn import functional

# What was found, and what it must be.
Pairs = Iterator[tuple[Tensor, Tensor]]
# One repeats, so that every score of text exists.
IDS = torch.tensor([[5, 9, 31, 7, 5, 9, 40, 5]])
_LAST = ("o_proj", "out_proj", "c_proj", "dense", "o", "wo", "Wo", "output_linear")
_ATTENTION = ("attn", "attention", "self_attn", "self_attention", "mixer")
# Of (layer, scores before the softmax with the weights after it) to other weights.
Change = Callable[[int, Tensor, Tensor], Tensor]


class Plain:
    """transformers' model of a decoder, in eval mode."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.projections = [
            module
            for name, module in model.named_modules()
            if name.split(".")[-1] in _LAST and set(name.split(".")[-3:-1]) & set(_ATTENTION)
        ]
        self.n_heads = int(
            getattr(model.config, "num_attention_heads", 0) or getattr(model.config, "n_head", 0)
        )
        self.patterns: list[Tensor] = []

    def logits(self, ids: Tensor, change: Change | None = None) -> Tensor:
        """Logits, with gradients if they are on; `patterns` are those that were used."""
        self.patterns = []
        plain = functional.softmax

        def softmax(scores: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            weights = plain(scores, *args, **kwargs)
            shape, by_head = weights.shape, (len(ids), self.n_heads)
            # Head and row may be one axis; a router's softmax has fewer.
            if scores.ndim == 3 and shape[0] == len(ids) * self.n_heads:
                scores, weights = (each.unflatten(0, by_head) for each in (scores, weights))
            if scores.ndim != 4:
                return weights
            layer = len(self.patterns)
            weights = weights if change is None else change(layer, scores, weights)
            # Without the column of a sink.
            self.patterns.append(weights.detach()[..., : ids.shape[1]].float())
            return weights.reshape(shape)

        with mock.patch.object(functional, "softmax", softmax):
            logits = self.model(ids, use_cache=False).logits
        # A model may take the layer's own attention apart; then nothing here would be right.
        assert len(self.patterns) == len(self.projections), "not one softmax a layer"
        return logits

    def z(self, ids: Tensor, layer: int, change: Change | None = None) -> Tensor:
        """What goes into a layer's last projection [batch, pos, head * d_head]."""
        kept: list[Tensor] = []
        with self.at_z(layer, kept.append):
            self.logits(ids, change)
        return kept[0]

    @contextlib.contextmanager
    def at_z(self, layer: int, touch: Callable[[Tensor], Tensor | None]) -> Iterator[None]:
        """Within, z [batch, pos, head * d_head] of a layer goes through a function."""

        def hook(_: Any, args: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
            z = touch(args[0])
            return None if z is None else (z, *args[1:])

        handle = self.projections[layer].register_forward_pre_hook(hook)
        try:
            yield
        finally:
            handle.remove()


def cut(layers: range, heads: slice, query: int, key: int, *, renormalise: bool) -> Change:
    """Attention that does not get from a key to a query: by minus infinity, or by zero weights."""

    def change(layer: int, scores: Tensor, weights: Tensor) -> Tensor:
        if layer not in layers:
            return weights
        if renormalise:
            scores = scores.clone()
            scores[:, heads, query, key] = -torch.inf
            return scores.float().softmax(-1).to(weights.dtype)
        weights = weights.clone()
        weights[:, heads, query, key] = 0
        return weights

    return change
