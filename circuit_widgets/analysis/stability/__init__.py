"""Stability: is it the same circuit in other models, and at other steps of a training."""

from __future__ import annotations

from circuit_widgets.analysis.stability.across_models import analyze_cross_model_stability
from circuit_widgets.analysis.stability.across_training import analyze_training_stability
from circuit_widgets.analysis.stability.results import CrossModelStability
from circuit_widgets.analysis.stability.training_results import TrainingStability

__all__ = [
    "CrossModelStability",
    "TrainingStability",
    "analyze_cross_model_stability",
    "analyze_training_stability",
]
