"""A view of a result: complete, or while a job computes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from circuit_widgets import models
from circuit_widgets.jobs.job import Job
from circuit_widgets.live.fixed_text import FixedText
from circuit_widgets.results.result import Result
from circuit_widgets.widgets.base import replace_earlier
from circuit_widgets.widgets.heads_view import IDLE, OPTIONS, HeadsView
from circuit_widgets.widgets.score_planes import HeadScore
from circuit_widgets.wire import messages as m


class ResultView(HeadsView):
    """Shows a result's scores and topic; the text it was found on is live while its model is.

    A subclass says what is shown: `_scores`, `_topic`, `_reads`, `_highest`.

    Attributes:
        result: The latest result; None before there is one.
    """

    # What a job is doing, for people.
    _doing = "Computing"

    def __init__(
        self,
        result: Any,
        model: str,
        shape: tuple[int, int],
        options: m.Options = OPTIONS,
        owner: Any = None,
    ) -> None:
        self.result = result
        self._shape = shape
        self._job: Job[Any] | None = None
        self._text = FixedText(self.stop)
        self._named = model
        self._read(result, owner)
        selection = None if result is None else self._highest(result)
        super().__init__(self._about(result), selection, options)
        self._show(result)
        if result is not None and not result.provenance.complete:
            made = result.provenance
            self._show_status(m.Status("partial", f"{made.progress}.", made.n_done, made.n_total))
        replace_earlier(self)

    # --- what a topic says ---

    def _scores(self, result: Any) -> Iterable[HeadScore]:
        """Scores of every head; `result` is None before there is one."""
        return []

    def _topic(self, result: Any) -> tuple[m.Topic | None, bytes]:
        """What there is besides scores."""
        return None, b""

    def _reads(self, result: Any) -> str | list[int] | None:
        """The text whose attention is shown with the result."""
        return None

    def _highest(self, result: Any) -> Any:
        """The head that is selected first."""
        return None

    def _shown_text(self, result: Any) -> tuple[list[str], str]:
        """Tokens and text, where the model is gone."""
        return [], "" if result is None else result.provenance.probe

    # --- a job ---

    def follow(self, job: Job[Any]) -> None:
        """Show a job's results as they come."""
        self._job = job
        job.on_result(self._some)
        job.on_end(self._ended)
        self._show_status(m.Status("running", self._doing, 0, 0))
        job.start()

    def stop(self) -> None:
        """End the job soon; what is done stays, marked as partial."""
        if self._job is not None:
            self._job.stop()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the job to end; False if `timeout` seconds passed before."""
        return self._job is None or self._job.wait(timeout)

    def _some(self, result: Result, done: int, total: int) -> None:
        before, self.result = self.result, result
        if before is None:
            # The view learns what it is about: nothing of it was known before.
            self.text = msgspec.to_builtins(self._about(result))
        pending = result.provenance.pending
        doing = f"{self._doing}: {pending[0]}" if done >= total and pending else self._doing
        topic, data = self._topic(result)
        status = m.Status("running", doing, done, total)
        self._show_progress(status, self._scores(result), topic, data)

    def _ended(self, job: Job[Any]) -> None:
        if job.result is not None:
            self._read(job.result, job.model)
            self.text = msgspec.to_builtins(self._about(job.result))
            self._show(job.result)
        self._show_status(_last_words(job))

    # --- what is shown ---

    def _show(self, result: Any) -> None:
        self._show_scores(self._scores(result))
        topic, data = self._topic(result)
        if topic is not None:
            self._show_topic(topic, data)

    def _read(self, result: Any, model: Any) -> None:
        """Run the text that is shown, if its model is still there."""
        ids = None if result is None or model is None else self._reads(result)
        if ids:
            try:
                self._text.read(model, ids)
            except (ValueError, RuntimeError):
                # Another device, or weights that changed since: the result is shown without it.
                return

    def _about(self, result: Any) -> m.Text:
        made = None if result is None else result.provenance
        tokens, prompt = self._shown_text(result)
        return m.Text(
            gen=0,
            model=self._named,
            n_layers=self._shape[0],
            n_heads=self._shape[1],
            tokens=tokens,
            prompt=prompt,
            has_bos=False,
            seconds=None if made is None else made.seconds,
            live=self._text.live,
        )

    def _source(self) -> FixedText:
        return self._text

    def close(self) -> None:
        """End the job and release the front end's side."""
        self.stop()
        self._text.close()
        super().close()


def opened(view: type[ResultView], result: Any, shape: tuple[int, int]) -> ResultView:
    """The view of a result, as its notebook display opens it."""
    return view(result, result.provenance.model, shape, owner=result.model())


def followed(view: type[ResultView], job: Job[Any]) -> ResultView:
    """The view of a job that it starts: it fills in."""
    model = job.model
    shown = view(None, models.name_of(model), (model.cfg.n_layers, model.cfg.n_heads))
    shown.follow(job)
    return shown


def written_out(tokens: Sequence[str]) -> tuple[list[str], str]:
    """Tokens and their text. Words of a vocabulary of words do not carry their spaces."""
    apart = not any(token != token.strip() for token in tokens)
    return list(tokens), (" " if apart else "").join(tokens)


def _last_words(job: Job[Any]) -> m.Status:
    result = job.result
    made = None if result is None else result.provenance
    done, total = (0, 0) if made is None else (made.n_done, made.n_total)
    if job.state == "failed":
        return m.Status("failed", f"{job.name}: {job.error}", done, total)
    if job.state == "stopped":
        progress = "nothing was computed" if made is None else made.progress
        return m.Status("partial", f"Stopped. {progress}.", done, total)
    return IDLE
