"""What an intervention is, and how a run's edits are planned."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from torch import Tensor

from circuit_widgets.capture.editable import where_edited
from circuit_widgets.capture.hooks import Hooks

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


class Intervention(Protocol):
    """Edits a site of some layers, in the middle of a run."""

    @property
    def site(self) -> str:
        """What to edit: see `run`."""
        ...

    @property
    def layers(self) -> frozenset[int] | None:
        """In which layers; None is all."""
        ...

    def edit(self, layer: int, tensor: Tensor) -> Tensor:
        """The tensor that the model goes on with; the one given is not to be changed."""
        ...


@dataclass(frozen=True, eq=False)
class Edit:
    """An intervention made of a function of the layer and its tensor; layers None is all.

    >>> double = Edit("z", frozenset({1}), lambda layer, z: 2 * z)
    >>> double.edit(1, 3)
    6
    """

    site: str
    layers: frozenset[int] | None
    function: Callable[[int, Tensor], Tensor]

    def edit(self, layer: int, tensor: Tensor) -> Tensor:
        """What the function makes of it."""
        return self.function(layer, tensor)


def plan_interventions(
    model: TransformerBridge,
    hooks: Hooks,
    interventions: Collection[Intervention],
    only: int | None = None,
) -> None:
    """Plan the edits, of all layers or of one.

    Raises:
        ValueError: A layer that is not there, or a pattern whose edits do not reach z.
    """
    for intervention in interventions:
        for layer in layers_of(intervention, len(model.blocks)):
            if only is not None and layer != only:
                continue
            add = hooks.at
            if intervention.site == "pattern":
                where = where_edited(model, layer)
                if where is None:
                    raise ValueError(
                        f"the pattern of layer {layer} can be read in this model, but no edit of "
                        "it reaches what its heads write; edit 'z' instead"
                    )
                add = hooks.at_softmax if where == "softmax" else hooks.at
            # A replay ends inside the block, before some of them.
            add(layer, intervention.site, _editing(intervention, layer), must=only is None)


def layers_of(who: Any, n_layers: int) -> Collection[int]:
    """In which layers a reducer or an intervention wants to be called.

    Raises:
        ValueError: A layer that is not there.
    """
    layers = getattr(who, "layers", None)
    if layers is None:
        return range(n_layers)
    for layer in layers:
        if not 0 <= layer < n_layers:
            raise ValueError(f"there is no layer {layer}; accepted are layers 0 to {n_layers - 1}")
    return sorted(layers)


def _editing(intervention: Intervention, layer: int) -> Callable[[Tensor], Tensor]:
    return lambda tensor: intervention.edit(layer, tensor)
