"""What the weights say: heads, the unembedding, composition."""

from __future__ import annotations

from circuit_widgets.weights.composition import MODES, Composition, composition
from circuit_widgets.weights.heads import HeadWeights, Norm, head_weights, norm_of
from circuit_widgets.weights.unembedding import Unembedding

__all__ = [
    "MODES",
    "Composition",
    "HeadWeights",
    "Norm",
    "Unembedding",
    "composition",
    "head_weights",
    "norm_of",
]
