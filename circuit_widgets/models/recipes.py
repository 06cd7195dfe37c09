"""Models that are loaded where they are used: a recipe instead of weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from circuit_widgets import models

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


@dataclasses.dataclass(frozen=True)
class Load:
    """A model that is loaded where it is used: it takes what `load_model` takes.

    >>> recipe = Load("toy-induction", step=0)
    >>> recipe.load().cfg.n_layers
    2
    """

    name: Any = None
    step: int | None = None
    seed: int | None = None
    device: Any = None
    dtype: Any = None

    def load(self) -> TransformerBridge:
        """The model."""
        given = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return models.load_model(**given)


def loaded(given: Any) -> TransformerBridge:
    """A model, of a recipe, a name or path, or one that is loaded already.

    >>> loaded(Load("toy-induction", step=0)).cfg.n_layers, loaded("toy-induction").cfg.n_layers
    (2, 2)
    """
    from transformer_lens.model_bridge import TransformerBridge

    if isinstance(given, TransformerBridge):
        return given
    return (given if isinstance(given, Load) else Load(given)).load()


def described(given: Any) -> Mapping[str, Any]:
    """A model as plain values, as provenance keeps it: how it is loaded, or what it is called.

    >>> described(Load("toy-induction", step=64))
    {'name': 'toy-induction', 'step': 64}
    """
    if isinstance(given, Load):
        pairs = ((field.name, getattr(given, field.name)) for field in dataclasses.fields(given))
        kept = {name: value for name, value in pairs if value is not None}
        return {
            name: value if isinstance(value, (int, str)) else _text(value)
            for name, value in kept.items()
        }
    return {"name": _text(given)}


def _text(given: Any) -> str:
    if hasattr(given, "cfg"):
        return models.name_of(given)
    return str(given)
