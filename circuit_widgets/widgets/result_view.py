"""A view of a result: complete, or while a job computes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from circuit_widgets import capture, models
from circuit_widgets.heads import Head
from circuit_widgets.jobs.job import Job
from circuit_widgets.live.fixed_text import FixedText
from circuit_widgets.live.reading import Reading
from circuit_widgets.results.result import Result
from circuit_widgets.widgets.base import replace_earlier
from circuit_widgets.widgets.heads_view import IDLE, HeadsView, TopicData, shared_controls
from circuit_widgets.widgets.opening import Opening, opening
from circuit_widgets.widgets.score_planes import HeadScore
from circuit_widgets.wire import controls as c
from circuit_widgets.wire import messages as m

OPENING = Opening()
RANKING = c.choice(
    "ranking",
    "Heads by their score",
    [c.option("highest", "highest first"), c.option("lowest", "lowest first")],
)


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
        opening: Opening = OPENING,
        owner: Any = None,
    ) -> None:
        self.result = result
        self._shape = shape
        self._job: Job[Any] | None = None
        self._text = FixedText(self.stop)
        self._named = model
        self._read(result, owner)
        highest = None if result is None else self._highest(result)
        # The head that a view selects by itself, as long as nobody else selects one.
        self._opened_on = None if opening.selection is not None else Head(0, 0)
        super().__init__(self._about(result), self._controls(result), opening, highest)
        self._show(result)
        if result is not None and not result.provenance.complete:
            made = result.provenance
            self._show_status(m.Status("partial", f"{made.progress}.", made.n_done, made.n_total))
        replace_earlier(self)

    # --- what a topic says ---

    def _scores(self, result: Any) -> Iterable[HeadScore]:
        """Scores of every head; `result` is None before there is one."""
        return []

    def _topic(self, result: Any) -> TopicData:
        """What there is besides scores."""
        return None

    def _adjusts(self, result: Any) -> list[c.Control]:
        """Sliders, thresholds and choices of this topic."""
        return []

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
        """Stop the job soon; the results so far are kept, marked as partial."""
        if self._job is not None:
            self._job.stop()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the job to end; False if `timeout` seconds passed before."""
        return self._job is None or self._job.wait(timeout)

    def _some(self, result: Result, done: int, total: int) -> None:
        before, self.result = self.result, result
        if before is None:
            # The view learns what it is about: nothing of it was known before.
            self._learn(result)
        self._open_on(result)
        pending = result.provenance.pending
        doing = f"{self._doing}: {pending[0]}" if done >= total and pending else self._doing
        status = m.Status("running", doing, done, total)
        self._show_progress(status, self._scores(result), self._topic(result))

    def _ended(self, job: Job[Any]) -> None:
        if job.result is not None:
            self._read(job.result, job.model)
            with self._one_message():
                self._learn(job.result)
                self._show(job.result)
            self._open_on(job.result)
        self._show_status(_last_words(job))

    def _learn(self, result: Any) -> None:
        """Show which run the result is about, and what there is to adjust."""
        with self._one_message():
            self._show_run(self._about(result))
            self._declare(self._controls(result))
        # What is selected stays inside the text, now that there is one.
        self._selection.limit(self, *self._limits())

    def _open_on(self, result: Any) -> None:
        """Select a head that is worth a look, as long as nobody has selected another."""
        if self._opened_on is None or self._selection.as_head != self._opened_on:
            self._opened_on = None
            return
        highest = self._highest(result)
        if highest is not None:
            self._opened_on = Head.parse(highest, *self._shape)
            self._selection.set(self._opened_on)

    # --- what is shown ---

    def _show(self, result: Any) -> None:
        with self._one_message():
            self._show_scores(self._scores(result))
            self._show_topic(self._topic(result))

    def _controls(self, result: Any) -> list[c.Control]:
        return [*shared_controls(self._scores(result)), RANKING, *self._adjusts(result)]

    def _read(self, result: Any, model: Any) -> None:
        """Run the text that is shown, if its model is still there."""
        ids = None if result is None or model is None else self._reads(result)
        # Attention without the hooks that the result was found under would be another model's.
        if (
            not ids
            or result is None
            or capture.foreign_hooks(cast(Any, model)) != result.provenance.hooks
        ):
            return
        try:
            self._text.read(model, ids)
        except (ValueError, RuntimeError):
            # Another device, or weights that changed since: the result is shown without it.
            return

    def _about(self, result: Any) -> m.Run:
        made = None if result is None else result.provenance
        tokens, prompt = self._shown_text(result)
        return m.Run(
            id=0,
            model=self._named,
            n_layers=self._shape[0],
            n_heads=self._shape[1],
            tokens=tokens,
            prompt=prompt,
            interventions=[] if made is None else list(made.hooks),
            has_bos=False,
            seconds=None if made is None else made.seconds,
            live=self._text.live,
            kept=[] if made is None else [list(layer) for layer in made.kept],
        )

    @property
    def reading(self) -> Reading | None:
        """The run of the result's text, while its model is there."""
        return self._text.reading

    def _source(self) -> FixedText:
        return self._text

    def open(self) -> None:
        """Open the wire; a view that was closed reads its text again."""
        self._text.open()
        super().open()

    def close(self) -> None:
        """End the job and release the front end's side."""
        self.stop()
        self._text.close()
        super().close()


def opened(
    view: type[ResultView], result: Any, shape: tuple[int, int], asked: Mapping[str, Any]
) -> ResultView:
    """The view of a result, as its notebook display and `result.view(...)` open it."""
    made = opening("view", asked)
    return view(result, result.provenance.model, shape, made, owner=result.model())


def followed(view: type[ResultView], job: Job[Any], asked: Mapping[str, Any]) -> ResultView:
    """The view of a job that it starts: it fills in."""
    model = job.model
    shape = (model.cfg.n_layers, model.cfg.n_heads)
    shown = view(None, models.name_of(model), shape, opening("stream", asked))
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
    if made is not None and made.failed:
        return m.Status("partial", f"{made.progress}.", done, total)
    return IDLE
