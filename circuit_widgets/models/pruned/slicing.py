"""Slice heads out of one layer's weights, in place."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from types import MethodType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import Linear, Module, Parameter

from circuit_widgets.weights.groups import keys_read

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# How a layer whose groups are left with different numbers of heads reads its keys and values: each
# head takes its group's ("gather"), or they are stored several times ("repeat").
WAYS = ("gather", "repeat")
# What attention modules call their sizes.
_HEADS = ("num_heads", "num_attention_heads", "n_heads", "n_head")
_KEYS = ("num_key_value_heads", "num_kv_heads", "n_kv_heads", "n_key_value_heads")
_GROUP = ("num_key_value_groups", "kv_repeats")


def slice_layer(
    model: TransformerBridge, layer: int, sizes: tuple[int, int], kept: Sequence[int], way: str
) -> None:
    """Leave only some heads of a layer, with the keys and values that they read.

    Args:
        model: Whose weights change.
        layer: Which layer.
        sizes: How many heads and key/value heads it has.
        kept: Which heads stay, ascending.
        way: One of `WAYS`.

    Raises:
        ValueError: A projection that is no linear map, or an attention that has none of its own.
    """
    attention: Any = model.blocks[layer].attn
    read = keys_read(model, layer, *sizes)
    stored = sorted({read[head] for head in kept})
    reads = [stored.index(read[head]) for head in kept]
    counts = [reads.count(key) for key in range(len(stored))]
    uneven = len(set(counts)) > 1
    if uneven and way == "repeat":
        size = math.gcd(*counts)
        stored = [key for key, n in zip(stored, counts, strict=True) for _ in range(n // size)]
        reads = [at // size for at in range(len(kept))]
    for entry, n, rows in (
        ("q", sizes[0], kept),
        ("k", sizes[1], stored),
        ("v", sizes[1], stored),
        ("o", sizes[0], kept),
    ):
        _cut(_linear(attention, layer, entry), n, rows, reads_heads=entry == "o")
    _cut_parameters(attention.original_component, sizes[0], kept)
    _resize(attention, len(kept), len(stored), 1 if uneven and way == "gather" else None)
    attention.keys_read = reads
    attention.__dict__.pop("_update_kv_cache", None)  # Of a layer that was sliced before.
    if uneven and way == "gather":
        _gather(attention, reads)
    drop_fused(model, layer)


def drop_fused(model: TransformerBridge, layer: int) -> None:
    """A fused projection that has been split is not run again: its own numbers go."""
    fused: Any = getattr(getattr(model.blocks[layer].attn, "qkv", None), "original_component", None)
    if fused is None:
        return
    for name, weight in list(fused.named_parameters()):
        module, _, last = name.rpartition(".")
        setattr(fused.get_submodule(module), last, Parameter(weight.detach().new_empty(0)))


def _linear(attention: Any, layer: int, entry: str) -> Module:
    inner: Any = getattr(getattr(attention, entry, None), "original_component", None)
    if not isinstance(getattr(inner, "weight", None), Tensor):
        raise ValueError(f"layer {layer} has no projection {entry.upper()} of its own")
    return inner


def _cut(module: Any, n: int, rows: Sequence[int], *, reads_heads: bool) -> None:
    """Leave some heads' rows of a projection, which has n, or its columns where it reads them."""
    from transformers.pytorch_utils import Conv1D

    if not isinstance(module, (Linear, Conv1D)):
        raise ValueError(f"a projection of heads is a {type(module).__name__}, and no linear map")
    # Linear stores [out, in], Conv1D [in, out].
    axis = int(isinstance(module, Linear) == reads_heads)
    index = torch.tensor(rows, device=module.weight.device)
    module.weight = Parameter(_some(module.weight.detach(), axis, n, index))
    if module.bias is not None and not reads_heads:
        module.bias = Parameter(_some(module.bias.detach(), 0, n, index))
    width = module.weight.shape[axis]
    names = ("in_features", "nx") if reads_heads else ("out_features", "nf")
    for name in names:
        if hasattr(module, name):
            setattr(module, name, width)


def _some(weight: Tensor, axis: int, n: int, index: Tensor) -> Tensor:
    parts = weight.unflatten(axis, (n, -1)).index_select(axis, index)
    return parts.flatten(axis, axis + 1).contiguous()


def _cut_parameters(inner: Module, n: int, kept: Sequence[int]) -> None:
    """Numbers that each head has besides, such as a sink's."""
    for name, weight in list(inner.named_parameters(recurse=False)):
        if weight.ndim == 1 and len(weight) == n:
            setattr(inner, name, Parameter(weight.detach()[list(kept)].clone()))


def _resize(attention: Any, n_heads: int, n_keys: int, group: int | None) -> None:
    inner = attention.original_component
    sizes = {name: n_heads for name in _HEADS} | {name: n_keys for name in _KEYS}
    sizes |= {name: n_heads // n_keys if group is None else group for name in _GROUP}
    for name, size in sizes.items():
        if isinstance(vars(inner).get(name), int):
            setattr(inner, name, size)
    # The bridge's settings are shared among layers.
    attention.config = copy.copy(attention.config)
    attention.config.n_heads = n_heads
    attention.config.n_key_value_heads = n_keys if n_keys != n_heads else None
    attention._hf_forward_wrapped = False
    attention.setup_hook_compatibility()


def _gather(attention: Any, reads: Sequence[int]) -> None:
    """After the cache, which holds each key once, every head gets the one it reads."""
    update = type(attention)._update_kv_cache

    def updated(self: Any, k: Tensor, v: Tensor, **kwargs: Any) -> tuple[Tensor, Tensor]:
        k, v = update(self, k, v, **kwargs)
        index = torch.tensor(reads, device=k.device)
        return k.index_select(1, index), v.index_select(1, index)

    attention._update_kv_cache = MethodType(updated, attention)
