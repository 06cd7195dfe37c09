"""Failing cases with the model behind them: their texts, fixes to try, cases to add."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol, TypeVar

from circuit_widgets import capture
from circuit_widgets.analysis.failures.live import add_case, reference_of, try_fix
from circuit_widgets.analysis.failures.results import CircuitFailures, Fix
from circuit_widgets.jobs.analysis import holding
from circuit_widgets.jobs.job import Job
from circuit_widgets.live.several_texts import SeveralTexts
from circuit_widgets.wire import messages as m
from circuit_widgets.wire.channel import Refused, Wish

T = TypeVar("T")
NO_MODEL = "This result has no model any more: run the cell again to try fixes and to add cases."


class Tried(NamedTuple):
    """A fix that somebody tried here."""

    case: int
    component: str
    fix: Fix


class Show(Protocol):
    """Who shows the cases. Called from the worker's thread."""

    def status_changed(self, status: m.Status) -> None: ...
    def fix_tried(self, tried: Tried) -> None: ...
    def case_added(self, result: CircuitFailures) -> None: ...


class FailingCases(SeveralTexts):
    """What a page may ask and wish for; a wish is carried out on a thread of its own.

    Text 2 i is that of case i, and 2 i + 1 the one that its attention is shown beside.
    """

    def __init__(self, stop: Callable[[], None], show: Show) -> None:
        super().__init__(stop, self._begin)
        self._show = show
        self._result: CircuitFailures | None = None
        self._model: weakref.ref[Any] | None = None
        self._job: Job[Any] | None = None

    def take(self, result: CircuitFailures, model: Any) -> None:
        """What was found so far, on which model; None: it is gone."""
        self._result = result
        self._model = None if model is None else weakref.ref(model)
        if self.missing:
            return
        reference = reference_of(result.attach(model))
        for at, case in enumerate(result.cases):
            self.put(2 * at, model, case.ids)
            if result.compared == "prompts":
                self.put(2 * at + 1, model, result.healthy[result.nearest[at]].ids)
            elif reference is not None:
                self.put(2 * at + 1, reference, case.ids)

    @property
    def missing(self) -> str:
        """Why nothing can be tried now; "" where it can."""
        model = None if self._model is None else self._model()
        if model is None or self._result is None:
            return NO_MODEL
        before, now = self._result.provenance.hooks, capture.foreign_hooks(model)
        if before == now:
            return ""
        then, here = (", ".join(hooks) or "none" for hooks in (before, now))
        return (
            f"The model is not as it was when this was found. Hooks then: {then}; now: {here}. "
            "Put them back to try fixes and to add cases."
        )

    def stop_wish(self) -> None:
        """End what is being tried, soon."""
        if self._job is not None:
            self._job.stop()

    def close(self) -> None:
        """End what is being tried, and let go of what was kept."""
        self.stop_wish()
        super().close()

    def _begin(self, wish: Wish) -> None:
        if self.missing:
            raise Refused("missing", self.missing)
        result, refers = self._result, self._model
        model = None if refers is None else refers()
        assert result is not None and model is not None
        if self._job is not None and self._job.state == "running":
            raise Refused("busy", "something is being tried already: wait, or press Stop")
        doing, work = self._work(model, result, wish)
        job: Job[Any] = Job(holding(model, _once(work)), doing, model)
        job.on_end(self._ended)
        self._job = job
        self._show.status_changed(m.Status("running", doing, 0, 0))
        job.start()

    def _work(
        self, model: Any, result: CircuitFailures, wish: Wish
    ) -> tuple[str, Callable[[], None]]:
        """What is being done, in words, and how."""
        if isinstance(wish, m.AddCase):
            if not result.provenance.complete:
                raise Refused("missing", "This result is partial: run the cell to its end first.")
            if not wish.prompt.strip() or not wish.expected.strip():
                raise Refused("invalid", "A case needs a prompt, and the token that should follow.")

            def add() -> None:
                found = add_case(model, result, wish.prompt, wish.expected)
                self.take(found, model)
                self._show.case_added(found)

            return "Looking into the new case", add
        if wish.case >= len(result.cases):
            raise Refused("invalid", f"there is no case {wish.case}")
        if wish.fix not in result.fixes:
            raise Refused("invalid", f"there is no fix {wish.fix!r}")

        def attempt() -> None:
            fix = try_fix(model, result, wish.case, wish.part, wish.fix)
            self._show.fix_tried(Tried(wish.case, wish.part, fix))

        return f"Trying on {wish.part}: {result.fixes[wish.fix]}", attempt

    def _ended(self, job: Job[Any]) -> None:
        if job.state == "failed":
            said = str(job.error) or type(job.error).__name__
            status = m.Status("failed", f"{said[0].upper()}{said[1:]}", 0, 0)
        elif job.state == "stopped":
            status = m.Status("partial", "Stopped: nothing was added.", 0, 0)
        else:
            status = m.Status("idle", "", 0, 0)
        self._show.status_changed(status)


def _once(work: Callable[[], None]) -> Iterator[Any]:
    """A job of one step, which gives no result of its own."""
    work()
    yield from ()
