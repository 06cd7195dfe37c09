"""Readers of a run: they see each layer's tensor as it is produced."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
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


def together(sites: Sequence[str], see: Callable[..., None]) -> tuple[Reducer, ...]:
    """Reducers, one a site, that call `see(layer, *tensors)` when a layer's sites are all there.

    No order is assumed: where transformers computes the attention (GPT-J), a head's z is there
    before its pattern. Give all of them to one run; what a layer that is broken off left behind
    goes with the next one.

    >>> from circuit_widgets import capture, load_model
    >>> model = load_model()
    >>> shapes = {}
    >>> def see(layer, pattern, z):
    ...     shapes[layer] = [*pattern.shape], [*z.shape]
    >>> readers = capture.together(("pattern", "z"), see)
    >>> _ = capture.run(model, model.to_tokens("blue dog"), readers, logits=False)
    >>> shapes[1]
    ([1, 4, 3, 3], [1, 3, 4, 16])
    """
    seen: dict[str, tuple[int, Tensor]] = {}

    def take(site: str, layer: int, tensor: Tensor) -> None:
        seen[site] = layer, tensor
        tensors = [seen[each][1] for each in sites if seen.get(each, (None,))[0] == layer]
        if len(tensors) == len(sites):
            seen.clear()
            see(layer, *tensors)

    return tuple(_One(site, functools.partial(take, site)) for site in sites)


class _One:
    """A reducer made of a function."""

    def __init__(self, site: str, see: Callable[[int, Tensor], None]) -> None:
        self.site, self._see = site, see

    def see(self, layer: int, tensor: Tensor) -> None:
        self._see(layer, tensor)
