"""What the weights say: heads, the unembedding, composition."""

from __future__ import annotations

from circuit_widgets.weights.composition import MODES, Composition, composition, percentile
from circuit_widgets.weights.heads import HeadWeights, WeightsMissing, head_weights, output_weights
from circuit_widgets.weights.norms import Norm, norm_of
from circuit_widgets.weights.unembedding import Unembedding
from circuit_widgets.weights.writing import PartsMissing, Writing, writing

__all__ = [
    "MODES",
    "Composition",
    "HeadWeights",
    "Norm",
    "PartsMissing",
    "Unembedding",
    "WeightsMissing",
    "Writing",
    "composition",
    "head_weights",
    "norm_of",
    "output_weights",
    "percentile",
    "writing",
]
