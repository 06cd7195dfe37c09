"""Activation patching: one activation at a time is what it was on another prompt."""

from __future__ import annotations

from circuit_widgets.analysis.patching.patch import patch_activations
from circuit_widgets.analysis.patching.results import ActivationPatching

__all__ = ["ActivationPatching", "patch_activations"]
