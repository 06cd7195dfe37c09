"""What the view of attention patterns is told: the classes, and a small picture of every head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from circuit_widgets.wire import packing
from circuit_widgets.wire.blocks import PicturesBlock
from circuit_widgets.wire.packing import Packed
from circuit_widgets.wire.parts import TilePart


def classes_table(classes: Sequence[object], nulls: Mapping[str, float]) -> Packed:
    """A head is of a class where its interval is above the threshold and above its baselines.

    nulls: by class, what the highest of as many random heads would score.
    """

    def column(name: str) -> list[Any]:
        return [getattr(kind, name) for kind in classes]

    return packing.table(
        "classes",
        [
            packing.texts("name", column("name"), "class", role="label"),
            packing.texts("label", column("label"), "label"),
            packing.texts("description", column("description"), "description"),
            packing.texts("function", column("function"), "function"),
            packing.texts("score", column("score"), "score"),
            packing.numbers("threshold", column("threshold"), "threshold"),
            packing.numbers(
                "highest",
                [nulls.get(name) for name in column("name")],
                "highest of random heads",
                about="What the highest of as many random heads as the model has would score",
                role="null",
            ),
        ],
        title="Classes of attention patterns",
    )


def thumbnails(pixels: Tensor, scale: Tensor, tokens: int, name: str = "thumbnails") -> Packed:
    """Small pictures [layer, head, row, column] of uint8, and what 255 stands for in each.

    A head that has not been computed has none: its scale is NaN. name: of the block; "repeats" are
    those on random tokens that repeat.
    """
    n_layers, n_heads, side, _ = pixels.shape
    each = side * side
    parts = [
        TilePart(
            (layer, head),
            side,
            side,
            float(scale[layer, head]),
            (layer * n_heads + head) * each,
            None,
        )
        for layer in range(n_layers)
        for head in range(n_heads)
        if bool(scale[layer, head].isfinite())
    ]
    block = PicturesBlock(name, (0, tokens, 0, tokens), "max", max(1, side), parts)
    return Packed(block, pixels.contiguous().numpy().tobytes())
