"""How an analysis runs: called to the end, or on a worker thread."""

from __future__ import annotations

from circuit_widgets.jobs.analysis import Analysis, analysis
from circuit_widgets.jobs.job import Job
from circuit_widgets.jobs.progress import Progress, Work

__all__ = ["Analysis", "Job", "Progress", "Work", "analysis"]
