"""The failure browser: failing cases, the parts that are out of line, and what helps."""

from __future__ import annotations

from typing import Any

import msgspec

from circuit_widgets.analysis.failures.results import FIXES, CircuitFailures
from circuit_widgets.jobs.job import Job
from circuit_widgets.live.failing_cases import FailingCases, Tried
from circuit_widgets.widgets.failure_rows import TYPE_NAMES, blocks_of
from circuit_widgets.widgets.heads_view import TopicData
from circuit_widgets.widgets.opening import Opening
from circuit_widgets.widgets.result_view import OPENING, ResultView, followed, opened
from circuit_widgets.wire import controls as c
from circuit_widgets.wire import messages as m
from circuit_widgets.wire.controls import word
from circuit_widgets.wire.packing import topic


class FailuresView(ResultView):
    """Which cases fail, where they fail, in what way, and which change was tried and helped."""

    _bundle = "failures"
    _panels = ("header", "cases", "case", "anomalies", "part", "patterns", "footer")
    _doing = "Looking into failing cases"

    def __init__(
        self,
        result: Any,
        model: str,
        shape: tuple[int, int],
        opening: Opening = OPENING,
        owner: Any = None,
    ) -> None:
        self._cases = FailingCases(self.stop, self)
        self._tried: list[Tried] = []
        self._n_added = 0
        super().__init__(result, model, shape, opening, owner)

    # --- what is shown ---

    def _topic(self, result: CircuitFailures | None) -> TopicData:
        if result is None:
            return None
        # While results come in there is nothing to try yet, and nothing is missing.
        coming = self._job is not None and self._job.state == "running"
        scalars = {
            "compared": result.compared,
            "reference": result.reference,
            "n_healthy": len(result.healthy),
            "threshold": result.threshold,
            "missing": "" if coming else self._cases.missing,
        }
        return topic("failures", scalars, *blocks_of(result, self._tried, self._n_added))

    def _adjusts(self, result: CircuitFailures | None) -> list[c.Control]:
        # Before there is a result nobody knows how many cases there are.
        last = None if result is None else max(0, len(result.cases) - 1)
        types = [c.option(name, label, about) for name, (label, about) in TYPE_NAMES.items()]
        fixes = FIXES if result is None else result.fixes
        return [
            c.number("failures.case", "Case", 0, least=0, most=last, step=1),
            c.choice("failures.type", "Type", [c.option("", "all types"), *types]),
            word("failures.layer", "Layer of a head or MLP that was looked into", ""),
            c.number("failures.score", "Least score", 0, least=0, most=1, step=0.05),
            word("failures.cases.sort", "Order of the cases", ""),
            word("failures.part", "The MLP that is selected, in place of the head", ""),
            c.choice("failures.fix", "Fix", [c.option(name, name, fixes[name]) for name in fixes]),
        ]

    def _read(self, result: CircuitFailures | None, model: Any) -> None:
        if result is not None:
            self._cases.take(result, model)

    def _about(self, result: CircuitFailures | None) -> m.Run:
        # Each case has a text of its own, and none is the view's.
        live = result is not None and not self._cases.missing
        return msgspec.structs.replace(super()._about(result), tokens=[], prompt="", live=live)

    def _highest(self, result: CircuitFailures) -> Any:
        """The head that is furthest out in the first case."""
        found = [problem.component for problem in next(iter(result.problems), ())]
        return next((name for name in found if not name.endswith(".mlp")), None)

    # --- what was tried, from the worker's thread ---

    def status_changed(self, status: m.Status) -> None:
        """Say what is being tried, or what went wrong."""
        self._show_status(status, on_the_way=status.state == "running")

    def fix_tried(self, tried: Tried) -> None:
        """Show a fix that was tried here; the same one of before is replaced."""
        self._tried = [one for one in self._tried if _what(one) != _what(tried)]
        self._tried.append(tried)
        self._show_topic(self._topic(self.result))

    def case_added(self, result: CircuitFailures) -> None:
        """Show a case that was added here, and select it."""
        self.result = result
        self._n_added += 1
        with self._one_message():
            self._declare(self._controls(result))
            self.params.update(
                {"failures.case": len(result.cases) - 1, "failures.type": "", "failures.layer": ""}
                | {"failures.score": 0, "failures.part": ""}
            )
            self._show_topic(self._topic(result))

    def stop(self) -> None:
        """Stop the job, or what is being tried, soon; the results so far are kept."""
        self._cases.stop_wish()
        super().stop()

    # --- the wire ---

    def _source(self) -> Any:
        return self._cases

    def close(self) -> None:
        """End what is under way and release the front end's side."""
        self._cases.close()
        super().close()


def _what(tried: Tried) -> tuple[int, str, str]:
    return tried.case, tried.component, tried.fix.kind


def view(result: CircuitFailures, **asked: Any) -> ResultView:
    """The view of a result, as its notebook display and `result.view(...)` open it."""
    return opened(FailuresView, result, result.shape, asked)


def stream(job: Job[Any], **asked: Any) -> ResultView:
    """The view of a job that it starts: it fills in case by case."""
    return followed(FailuresView, job, asked)
