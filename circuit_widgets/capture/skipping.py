"""A pass that begins at a layer: those before it compute nothing and give what is asked of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from jaxtyping import Float
from torch import Tensor
from torch.nn import Module

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


class _Skip:
    """In the place of a block's `forward`."""

    def __init__(self, stream: Tensor, in_tuple: bool) -> None:
        self._stream, self._in_tuple = stream, in_tuple

    def __call__(self, *_: Any, **__: Any) -> Tensor | tuple[Tensor]:
        return (self._stream,) if self._in_tuple else self._stream


@contextmanager
def skipping(
    model: TransformerBridge,
    layer: int,
    stream: Float[Tensor, "batch pos d_model"],
    in_tuple: bool,
) -> Iterator[None]:
    """Within, the layers before `layer` compute nothing, and `layer` is given the stream.

    The model's lock has to be held. in_tuple: whether this model's blocks give a tuple.
    """
    skipped = list(model.blocks)[:layer]
    try:
        for block in skipped:
            block.__dict__["forward"] = _Skip(stream, in_tuple)
        yield
    finally:
        for block in skipped:
            block.__dict__.pop("forward", None)


def is_skipped(block: Module) -> bool:
    """Whether a block computes nothing now."""
    return isinstance(block.__dict__.get("forward"), _Skip)
