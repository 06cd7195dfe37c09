"""Flow: along which routes an output was put together, and between which layers."""

from __future__ import annotations

from circuit_widgets.analysis.flow.analyze import analyze_cross_layer_flow
from circuit_widgets.analysis.flow.layer_results import CrossLayerFlow
from circuit_widgets.analysis.flow.results import InformationFlow
from circuit_widgets.analysis.flow.trace import trace_information_flow

__all__ = [
    "CrossLayerFlow",
    "InformationFlow",
    "analyze_cross_layer_flow",
    "trace_information_flow",
]
