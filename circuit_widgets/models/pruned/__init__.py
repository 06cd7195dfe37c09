"""Smaller models: heads sliced away, saved and loaded again."""

from __future__ import annotations

from circuit_widgets.models.pruned.cost import ModelCost, model_cost
from circuit_widgets.models.pruned.files import save_model
from circuit_widgets.models.pruned.kept import (
    check_even,
    check_there,
    kept_heads,
    layers_with,
    missing_heads,
)
from circuit_widgets.models.pruned.prune import prune_heads

__all__ = [
    "ModelCost",
    "check_even",
    "check_there",
    "kept_heads",
    "layers_with",
    "missing_heads",
    "model_cost",
    "prune_heads",
    "save_model",
]
