"""The view of `identify_induction_heads`: the head grid, of a result or while it is computed."""

from __future__ import annotations

from typing import Any

from circuit_widgets.analysis._job import Job
from circuit_widgets.analysis.induction import InductionHeads
from circuit_widgets.stream import messages as m
from circuit_widgets.stream.channel import Question, Refused
from circuit_widgets.widgets.base import replace_earlier
from circuit_widgets.widgets.heads_view import IDLE, HeadsView
from circuit_widgets.widgets.score_planes import induction_scores


class InductionView(HeadsView):
    """Every head by its induction scores.

    Attributes:
        result: The latest result; None before there is one.
    """

    _bundle = "induction"

    def __init__(self, result: InductionHeads | None, model: str, shape: tuple[int, int]) -> None:
        self.result = result
        self._shape = shape
        self._job: Job[InductionHeads] | None = None
        made = None if result is None else result.provenance
        text = m.Text(
            gen=0,
            model=model,
            n_layers=shape[0],
            n_heads=shape[1],
            tokens=[],
            prompt="" if made is None else made.probe,
            has_bos=False,
            seconds=None if made is None else made.seconds,
            live=False,
        )
        selection = None if result is None else _highest(result)
        super().__init__(text, selection, m.Options("prefix_matching", "dim", "head", "max"))
        self._show_scores(induction_scores(result, shape))
        if made is not None and not made.complete:
            self._show_status(m.Status("partial", f"{made.progress}.", made.n_done, made.n_total))
        replace_earlier(self)

    def follow(self, job: Job[InductionHeads]) -> None:
        """Show a job's results as they come."""
        self._job = job
        job.on_result(self._some)
        job.on_end(self._ended)
        self._show_status(m.Status("running", "Scoring heads on random tokens", 0, 0))
        job.start()

    def stop(self) -> None:
        """End the job soon; what is done stays, marked as partial."""
        if self._job is not None:
            self._job.stop()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the job to end; False if `timeout` seconds passed before."""
        return self._job is None or self._job.wait(timeout)

    def _some(self, result: InductionHeads, done: int, total: int) -> None:
        self.result = result
        status = m.Status("running", "Scoring heads on random tokens", done, total)
        self._show_progress(status, induction_scores(result, self._shape))

    def _ended(self, job: Job[InductionHeads]) -> None:
        if job.result is not None:
            self._show_scores(induction_scores(job.result, self._shape))
        self._show_status(_last_words(job))

    def _source(self) -> _Nothing:
        return _Nothing(self)

    def close(self) -> None:
        """End the job and release the front end's side."""
        self.stop()
        super().close()


class _Nothing:
    """What the view can ask: to stop. There is no text, so there is no attention to show."""

    gen = 0

    def __init__(self, view: InductionView) -> None:
        self.stop = view.stop

    def is_cheap(self, question: Question) -> bool:
        return True

    def answer(self, question: Question) -> tuple[m.Body, bytes]:
        raise Refused("missing", "this view has no text; explore(model, prompt) shows attention")

    def run(self, text: str) -> None:
        raise Refused("missing", "this view has no prompt; explore(model, prompt) has one")


def view(result: InductionHeads) -> InductionView:
    """The view of a result, as its notebook display opens it."""
    return InductionView(result, result.provenance.model, result.shape)


def stream(job: Job[InductionHeads]) -> InductionView:
    """The view of a job that it starts: the grid fills in."""
    model: Any = job.model
    from circuit_widgets import models

    shown = InductionView(None, models.name_of(model), (model.cfg.n_layers, model.cfg.n_heads))
    shown.follow(job)
    return shown


def _highest(result: InductionHeads) -> tuple[int, int] | None:
    value = result.prefix_matching.value
    if bool(value.isnan().all()):
        return None
    layer, head = divmod(int(value.nan_to_num(-1).argmax()), value.shape[1])
    return layer, head


def _last_words(job: Job[InductionHeads]) -> m.Status:
    result = job.result
    made = None if result is None else result.provenance
    done, total = (0, 0) if made is None else (made.n_done, made.n_total)
    if job.state == "failed":
        return m.Status("failed", f"{job.name}: {job.error}", done, total)
    if job.state == "stopped":
        progress = "nothing was computed" if made is None else made.progress
        return m.Status("partial", f"Stopped. {progress}.", done, total)
    return IDLE
