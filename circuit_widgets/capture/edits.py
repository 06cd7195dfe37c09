"""What an intervention is, and how a run's edits are planned."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor

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


def plan_interventions(
    model: TransformerBridge,
    hooks: Hooks,
    interventions: Collection[Intervention],
    only: int | None = None,
) -> None:
    """Plan the edits, of all layers or of one.

    Raises:
        ValueError: A layer that is not there, or a pattern that cannot be edited.
    """
    for intervention in interventions:
        for layer in layers_of(intervention, len(model.blocks)):
            if only is not None and layer != only:
                continue
            if intervention.site == "pattern" and _reads_pattern_late(model, layer):
                raise ValueError(
                    "this model's attention is computed inside transformers: its pattern can be "
                    "read, but an edit of it would be lost; edit 'z' instead"
                )
            # A replay ends inside the block, before some of them.
            hooks.at(layer, intervention.site, _editing(intervention, layer), must=only is None)


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


def _reads_pattern_late(model: TransformerBridge, layer: int) -> bool:
    """Whether `hook_pattern` only shows what has been used already (GPT-J, GPT-Neo, OPT)."""
    from transformer_lens.model_bridge.generalized_components.attention import AttentionBridge

    attention: Any = model.blocks[layer].attn
    inside = getattr(attention.original_component, "accepts_pattern_fn", False)
    return type(attention).forward is AttentionBridge.forward and not inside


def _editing(intervention: Intervention, layer: int) -> Callable[[Tensor], Tensor]:
    return lambda tensor: intervention.edit(layer, tensor)
