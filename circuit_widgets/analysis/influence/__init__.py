"""Influence: which tokens an output depends on."""

from __future__ import annotations

from circuit_widgets.analysis.influence.compute import compute_self_influence
from circuit_widgets.analysis.influence.results import SelfInfluence

__all__ = ["SelfInfluence", "compute_self_influence"]
