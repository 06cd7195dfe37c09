"""Flow: along which routes an output was put together."""

from __future__ import annotations

from circuit_widgets.analysis.flow.results import InformationFlow
from circuit_widgets.analysis.flow.trace import trace_information_flow

__all__ = ["InformationFlow", "trace_information_flow"]
