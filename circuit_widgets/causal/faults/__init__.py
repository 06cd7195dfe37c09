"""Faults, planted on purpose: a head that fails in a way that is known."""

from __future__ import annotations

from circuit_widgets.causal.faults.inject import Fault, inject_fault
from circuit_widgets.causal.faults.kinds import KINDS

__all__ = ["KINDS", "Fault", "inject_fault"]
