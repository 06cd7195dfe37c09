"""Induction: which heads look for what came before, and the heads they are made with."""

from __future__ import annotations

from circuit_widgets.analysis.induction.identify import identify_induction_heads
from circuit_widgets.analysis.induction.results import InductionHeads
from circuit_widgets.analysis.induction.trace import trace_induction
from circuit_widgets.analysis.induction.trace_results import InductionTrace

__all__ = ["InductionHeads", "InductionTrace", "identify_induction_heads", "trace_induction"]
