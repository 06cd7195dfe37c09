"""What of a model could go, what is too narrow, and what does not work together."""

from circuit_widgets.analysis.optimization.results import Optimizations, PrunedCost, Suggestion
from circuit_widgets.analysis.optimization.suggest import suggest_circuit_optimizations

__all__ = ["Optimizations", "PrunedCost", "Suggestion", "suggest_circuit_optimizations"]
