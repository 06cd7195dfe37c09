"""Readers of a run: they see each layer's tensor as it is produced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from jaxtyping import Float
from torch import Tensor


class Reducer(Protocol):
    """Sees a site in every layer of a run, and keeps what its question needs.

    An attribute `layers`, a set of layers, limits it to those.
    """

    @property
    def site(self) -> str:
        """What to see: see `run`."""
        ...

    def see(self, layer: int, tensor: Tensor) -> None:
        """Called without gradients, after the interventions, as the model goes on to use it.

        The tensor is the model's own: not to be changed, and to be copied if it is kept.
        """
        ...


def seeing_with(reducer: Reducer, layer: int) -> Callable[[Tensor], None]:
    """What to hook at a layer for a reducer."""
    return lambda tensor: reducer.see(layer, tensor)


class Keep:
    """Keeps whole activations, for a few layers or a small site: a reference for an intervention.

    Args:
        site: What to keep: see `run`.
        layers: In which layers; None is all.

    >>> from circuit_widgets import capture, load_model
    >>> model = load_model()
    >>> ids = model.to_tokens("blue dog blue dog")
    >>> keep = capture.Keep("z", {0})
    >>> _ = capture.run(model, ids, [keep], logits=False)
    >>> list(keep.tensors)
    [0]
    """

    def __init__(self, site: str, layers: frozenset[int] | set[int] | None = None) -> None:
        self.site = site
        self.layers = None if layers is None else frozenset(layers)
        self.tensors: dict[int, Float[Tensor, "batch ..."]] = {}

    def see(self, layer: int, tensor: Float[Tensor, "batch ..."]) -> None:
        """Keep a copy."""
        self.tensors[layer] = tensor.clone()
