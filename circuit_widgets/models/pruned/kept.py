"""Which heads of a model are left, by their index in the whole one."""

from __future__ import annotations

import weakref
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from jaxtyping import Bool
from torch import Tensor

from circuit_widgets.heads import Head

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# By model: of each layer the heads that are left, and how layers with uneven groups read keys.
known: weakref.WeakKeyDictionary[TransformerBridge, tuple[tuple[tuple[int, ...], ...], str]] = (
    weakref.WeakKeyDictionary()
)


def kept_heads(model: TransformerBridge) -> tuple[tuple[int, ...], ...] | None:
    """Of each layer, which heads of the whole model its heads are; None if none was sliced away.

    >>> import circuit_widgets as cw
    >>> kept_heads(cw.prune_heads(cw.load_model(), ["0.1", "1.3"]))
    ((0, 2, 3), (0, 1, 2))
    """
    return known[model][0] if model in known else None


def missing_heads(model: TransformerBridge) -> list[Head]:
    """The places of a grid of layers and heads in which a pruned model has no head.

    >>> import circuit_widgets as cw
    >>> missing_heads(cw.prune_heads(cw.load_model(), ["0.1", "0.2"]))
    [Head(layer=0, index=2), Head(layer=0, index=3)]
    """
    counts = [len(heads) for heads in kept_heads(model) or ()]
    return [
        Head(layer, index)
        for layer, n in enumerate(counts)
        for index in range(n, max(counts, default=0))
    ]


def check_there(heads: Iterable[Head], missing: Collection[Head]) -> None:
    """Return if none of the heads is one that a layer of a pruned model has not.

    Args:
        heads: Places of the model's grid of heads.
        missing: Its `missing_heads`.

    Raises:
        ValueError: One is missing.

    >>> check_there([Head(0, 1)], [Head(0, 3)])
    >>> check_there([Head(0, 3)], [Head(0, 3)])
    Traceback (most recent call last):
    ValueError: there is no head 0.3; layer 0 of this pruned model has 3 heads
    """
    gone = next((head for head in heads if head in missing), None)
    if gone is not None:
        # The heads that are left are the first of their layer's places.
        n = min(head.index for head in missing if head.layer == gone.layer)
        raise ValueError(
            f"there is no head {gone}; layer {gone.layer} of this pruned model has {n} heads"
        )


def layers_with(places: Bool[Tensor, "layer head"], missing: Iterable[Head]) -> list[int]:
    """The layers in which something holds of a head that is there.

    >>> import torch
    >>> layers_with(torch.tensor([[True, False], [False, True]]), [Head(1, 1)])
    [0]
    """
    there = places.clone()
    for head in missing:
        there[head.layer, head.index] = False
    return there.any(-1).nonzero().flatten().tolist()


def check_even(model: TransformerBridge, what: str) -> None:
    """Return if every layer of the model has as many heads as the others.

    Args:
        model: A TransformerBridge.
        what: What asks for it, as the subject of a sentence.

    Raises:
        ValueError: Heads were sliced away, of some layers more than of others.

    >>> import circuit_widgets as cw
    >>> check_even(cw.prune_heads(cw.load_model(), ["0.1"]), "an analysis")
    Traceback (most recent call last):
    ValueError: an analysis has a grid of layers and heads, and this model has 3, 4 heads in its \
layers; accepted is a model with as many in each, or the whole one with these heads ablated
    """
    counts = [len(heads) for heads in kept_heads(model) or ()]
    if len(set(counts)) > 1:
        raise ValueError(
            f"{what} has a grid of layers and heads, and this model has "
            f"{', '.join(map(str, counts))} heads in its layers; accepted is a model with as many "
            "in each, or the whole one with these heads ablated"
        )
