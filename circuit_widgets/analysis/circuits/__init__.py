"""Circuits: which edges of a model do a task."""

from __future__ import annotations

from circuit_widgets.analysis.circuits.extract import extract_circuit
from circuit_widgets.analysis.circuits.results import Circuit

__all__ = ["Circuit", "extract_circuit"]
