"""Which key/value head each head of a layer reads: heads may share them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


def keys_read(model: TransformerBridge, layer: int, n_heads: int, n_keys: int) -> list[int]:
    """Of each head of a layer, the key/value head it reads.

    Groups are of one size, and stand together, unless heads were sliced away (`prune_heads`).

    Args:
        model: A TransformerBridge.
        layer: Which layer.
        n_heads: How many heads it has.
        n_keys: How many key/value heads.

    >>> from circuit_widgets import load_model
    >>> keys_read(load_model(), 0, 4, 2)
    [0, 0, 1, 1]
    """
    sliced = getattr(model.blocks[layer].attn, "keys_read", None)
    if sliced is not None and len(sliced) == n_heads:
        return list(sliced)
    return [head * n_keys // n_heads for head in range(n_heads)]
