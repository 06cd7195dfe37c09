"""What comes out of an analysis: a result, its scores, where it came from, and its file."""

from __future__ import annotations

from circuit_widgets.results.provenance import Provenance, begun, versions
from circuit_widgets.results.result import Result, load, part
from circuit_widgets.results.score import About, Score

__all__ = ["About", "Provenance", "Result", "Score", "begun", "load", "part", "versions"]
