"""When circuits fail: what is out of line in a case, in what way, and which fix helps."""

from __future__ import annotations

from circuit_widgets.analysis.failures.analyze import analyze_failures, diagnose_circuit_failure
from circuit_widgets.analysis.failures.cases import Case
from circuit_widgets.analysis.failures.results import CircuitFailures, FailureDiagnosis

__all__ = [
    "Case",
    "CircuitFailures",
    "FailureDiagnosis",
    "analyze_failures",
    "diagnose_circuit_failure",
]
