"""The attention of one run, kept where it was computed; only what is looked at leaves the device.

For every head a small overview (the maximum of each cell, 8 bits) is made while the model runs, so
a click is answered without the model however long the text is. Means are made for a layer when they
are asked for. Whole layers are kept as far as the budget goes, and a layer that was let go is made
again by the function the store was given.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.live.tiles import Quantised, pool, quantise, shape, stride
from circuit_widgets.wire.parts import Pooling, Window

OVERVIEW_SIDE = 256
Layer = Float[Tensor, "head query key"]


class Missing(LookupError):
    """There is no number to show; the message says why."""


class TensorStore:
    """Patterns [layer, head, query, key] of one run.

    make_layer: makes one layer's patterns [head, query, key] again, exactly; called with no lock of
    the store held. budget: bytes of whole layers to keep.
    """

    def __init__(
        self,
        n_layers: int,
        n_heads: int,
        n_tokens: int,
        make_layer: Callable[[int], Layer],
        budget: int,
        side: int = OVERVIEW_SIDE,
    ) -> None:
        self.n_layers, self.n_heads, self.n_tokens = n_layers, n_heads, n_tokens
        self.budget, self.side = budget, side
        self.copied = 0
        self.made_again = 0
        self._make_layer = make_layer
        self._overview: dict[tuple[int, Pooling], Quantised] = {}
        self._layers: OrderedDict[int, Layer] = OrderedDict()
        # By layer, how many there are.
        self._heads: dict[int, int] = {}
        self._lock = threading.Lock()

    @property
    def whole(self) -> Window:
        return (0, self.n_tokens, 0, self.n_tokens)

    @property
    def nbytes(self) -> int:
        """Bytes the store holds on the device."""
        with self._lock:
            layers = sum(_nbytes(layer) for layer in self._layers.values())
            return layers + sum(tile.nbytes for tile in self._overview.values())

    def add(self, layer: int, pattern: Layer) -> None:
        """Take a layer as the model produces it."""
        self._pool(layer, "max", pattern)
        self._heads[layer] = len(pattern)
        with self._lock:
            # The first layers stay: dropping the oldest here would leave only the last few, and
            # the cost of making one again grows with nothing but its own size.
            if self._held() + _nbytes(pattern) <= self.budget:
                self._layers[layer] = pattern

    def has(self, layer: int) -> bool:
        """Whether a whole layer is at hand."""
        return layer in self._layers

    def release(self) -> None:
        """Let go of whole layers; overviews stay."""
        with self._lock:
            self._layers.clear()

    def is_overview(self, window: Window, side: int) -> bool:
        """Whether such a tile is one that is kept for every head."""
        return window == self.whole and shape(window, side) == shape(window, self.side)

    def has_overview(self, layer: int, pooling: Pooling) -> bool:
        """Whether a layer's overview was made, and has only to be copied."""
        return (layer, self._kept(pooling)) in self._overview

    def tile(self, layer: int, head: int, window: Window, side: int, pooling: Pooling) -> Quantised:
        """One head's tile, on the host."""
        self._check(layer, head, window)
        if self.is_overview(window, side):
            tile = self._overview_of(layer, pooling).head(head)
        else:
            pattern = self.layer(layer)[head : head + 1]
            tile = quantise(pool(pattern, window, side, pooling))
        return self._to_host(tile, f"{layer}.{head}")

    def not_numbers(self) -> list[int]:
        """Layers in which a head's attention is NaN."""
        return sorted(
            {
                layer
                for (layer, pooling), tile in self._overview.items()
                if pooling == "max" and not bool(torch.isfinite(tile.scale).all())
            }
        )

    def cells(self, layer: int, head: int, window: Window) -> Float[Tensor, "query key"]:
        """Exact values, float32, on the host."""
        self._check(layer, head, window)
        q0, q1, k0, k1 = window
        return self._copy(self.layer(layer)[head, q0:q1, k0:k1].float())

    def layer(self, layer: int) -> Layer:
        """One layer's patterns on the device, made again if they were let go."""
        with self._lock:
            if layer in self._layers:
                self._layers.move_to_end(layer)
                return self._layers[layer]
        pattern = self._make_layer(layer)
        with self._lock:
            self.made_again += 1
            self._layers[layer] = pattern
            self._layers.move_to_end(layer)
            # At least the layer in use stays, or every hover would make it again.
            while self._held() > self.budget and len(self._layers) > 1:
                self._layers.popitem(last=False)
        return pattern

    def _overview_of(self, layer: int, pooling: Pooling) -> Quantised:
        if (layer, "max") not in self._overview:
            raise Missing(f"layer {layer} was not computed")
        if not self.has_overview(layer, pooling):
            self._pool(layer, pooling, self.layer(layer))
        return self._overview[layer, self._kept(pooling)]

    def _pool(self, layer: int, pooling: Pooling, pattern: Layer) -> None:
        self._overview[layer, pooling] = quantise(pool(pattern, self.whole, self.side, pooling))

    def _kept(self, pooling: Pooling) -> Pooling:
        """Where a cell is one value, its mean is its maximum."""
        return "max" if stride(self.whole, self.side) == 1 else pooling

    def _held(self) -> int:
        return sum(_nbytes(layer) for layer in self._layers.values())

    def _check(self, layer: int, head: int, window: Window) -> None:
        if layer >= self.n_layers or head >= self.n_heads:
            raise Missing(
                f"there is no head {layer}.{head}: "
                f"layers are 0 to {self.n_layers - 1}, heads 0 to {self.n_heads - 1}"
            )
        # A layer of a pruned model may have fewer than the others.
        n_heads = self._heads.get(layer, self.n_heads)
        if head >= n_heads:
            raise Missing(f"there is no head {layer}.{head}: this layer has {n_heads} heads")
        q0, q1, k0, k1 = window
        if not (q0 < q1 <= self.n_tokens and k0 < k1 <= self.n_tokens):
            raise Missing(
                f"the window {list(window)} is not inside the {self.n_tokens} tokens of the text"
            )

    def _to_host(self, tile: Quantised, name: str) -> Quantised:
        scale = self._copy(tile.scale)
        if not torch.isfinite(scale).all():
            raise Missing(f"head {name} has no numbers to show: its attention is NaN")
        first = None if tile.first is None else self._copy(tile.first)
        return Quantised(self._copy(tile.data), scale, first)

    def _copy(self, tensor: Tensor) -> Tensor:
        """The only place where a pattern's numbers leave the device."""
        self.copied += tensor.numel() * tensor.element_size()
        return tensor.to("cpu", copy=False).contiguous()


def _nbytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
