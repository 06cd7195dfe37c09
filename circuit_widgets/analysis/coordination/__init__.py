"""Coordination: which heads work together, and how."""

from __future__ import annotations

from circuit_widgets.analysis.coordination.analyze import analyze_head_coordination
from circuit_widgets.analysis.coordination.results import HeadCoordination

__all__ = ["HeadCoordination", "analyze_head_coordination"]
