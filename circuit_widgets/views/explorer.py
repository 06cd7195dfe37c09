"""The explorer: every head of a model on one text, linked, with the kernel behind it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import msgspec
import torch
import traitlets

from circuit_widgets import arguments, models
from circuit_widgets.analysis.attribution.results import ATTRIBUTION
from circuit_widgets.analysis.induction.results import InductionHeads
from circuit_widgets.attention.diagonals import SCORES
from circuit_widgets.attention.text import TEXT_SCORES
from circuit_widgets.capture import Intervention
from circuit_widgets.heads import Head
from circuit_widgets.jobs.job import Job
from circuit_widgets.live.notices import about_probe, about_reading, probe_job
from circuit_widgets.live.reading import Reading
from circuit_widgets.live.session import Session
from circuit_widgets.live.store import Missing
from circuit_widgets.models.pruned import check_there, kept_heads, missing_heads
from circuit_widgets.widgets.base import replace_earlier
from circuit_widgets.widgets.heads_view import IDLE, HeadsView, shared_controls
from circuit_widgets.widgets.opening import Opening, opening
from circuit_widgets.widgets.score_planes import HeadScore, reading_scores
from circuit_widgets.wire import messages as m

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# A small model is scored before its view is shown, so that nothing changes under the eyes.
PROBE_PATIENCE = 1.0
# After the last selection: the picture that a saved notebook shows is made then.
PICTURE_SECONDS = 0.8
SCORE_NAMES = (*SCORES, *(f"text_{name}" for name in TEXT_SCORES), ATTRIBUTION.name)


class Explorer(HeadsView):
    """Shows one model; made by `explore`.

    Attributes:
        selection: The selected head, query and key; follows the view, and can be set.

    >>> import circuit_widgets as cw
    >>> cw.explore(cw.load_model(), "blue dog seven blue dog").pattern("1.2").shape
    torch.Size([6, 6])
    """

    _bundle = "explorer"
    _panels = ("header", "heads", "matrix", "scores", "bars", "text", "footer")
    _timer: threading.Timer | None = None

    def __init__(
        self,
        model: TransformerBridge,
        prompt: str | Sequence[int],
        *,
        opening: Opening,
        score: str,
        probe: bool,
        memory: int,
    ) -> None:
        models.check_model(model)
        self._session = Session(model, memory, self)
        reading = self._session.read_now(prompt)
        self._probed: InductionHeads | None = None
        self._job: Job[InductionHeads] | None = None
        self._probe = probe
        controls = shared_controls(self._scores(), score)
        super().__init__(self._run(reading), controls, opening)
        if self.selection.query is None:
            self.selection.query = reading.n_tokens - 1
        self.reading_changed(reading)
        replace_earlier(self)
        if probe:
            self._start_probe()
        if opening.selection is None:
            self._select_highest()
            self._take_picture()

    def run(self, prompt: str | Sequence[int]) -> None:
        """Read another prompt; returns when every panel shows it.

        Raises:
            TypeError, ValueError: What is wrong with the prompt; the view keeps the old one.
        """
        self._session.run_and_wait(prompt)

    @property
    def model(self) -> TransformerBridge:
        """The model on show."""
        return self._session.model

    @property
    def reading(self) -> Reading:
        """The run on show."""
        return self._session.reading

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens of the text on show."""
        return self._session.reading.tokens.strings

    def pattern(self, head: Any = None) -> Any:
        """Attention [query, key] of a head (of the selected one if none is given), float32."""
        reading = self._session.reading
        cfg = self._session.model.cfg
        at = self.selection.as_head if head is None else Head.parse(head, cfg.n_layers, cfg.n_heads)
        check_there([at], missing_heads(self._session.model))
        return reading.store.layer(at.layer)[at.index].float().clone()

    def read_under(self, edits: Sequence[Intervention], run_id: int) -> Reading:
        """The text on show, read again with something changed inside the model."""
        return self._session.read_under(edits, run_id)

    # --- what the session says, from any thread ---

    def reading_changed(self, reading: Reading) -> None:
        """Show another run. One message: no panel has one text's tokens and another's cells."""
        before = len(self.run_shown.tokens)
        at = self.selection
        was_last = at.query is not None and at.query == before - 1
        with self._one_message():
            self._show_run(self._run(reading))
            at.limit(self, *self._limits())
            if was_last:
                at.query = reading.n_tokens - 1
            self._selection_moved()
            self._take_picture()
            self._show_scores(self._scores())
        self._show_status(self._resting())

    def status_changed(self, status: m.Status) -> None:
        """Say how far a run is."""
        self._show_status(status, on_the_way=status.state == "running")

    def _resting(self) -> m.Status:
        """Nothing is being done; is there anything that the user has to know?"""
        sentence = about_reading(self._session.model, self._session.reading) or about_probe(
            self._job
        )
        return m.Status("partial", sentence, 0, 0) if sentence else IDLE

    # --- what is shown ---

    def _run(self, reading: Reading) -> m.Run:
        model = self._session.model
        return m.Run(
            id=reading.run_id,
            model=models.name_of(model),
            n_layers=model.cfg.n_layers,
            n_heads=model.cfg.n_heads,
            tokens=list(reading.tokens.strings),
            prompt=reading.tokens.text,
            interventions=list(reading.hooks),
            has_bos=reading.tokens.has_bos,
            seconds=reading.seconds,
            live=True,
            kept=[list(layer) for layer in kept_heads(model) or ()],
        )

    def _scores(self) -> list[HeadScore]:
        return reading_scores(self._session.reading, self._probed, self._probe)

    def _take_picture(self) -> None:
        """What a saved notebook shows: the selected head as it is now."""
        at, pooling = self.selection, cast("m.Pooling", self.params["pooling"])
        try:
            picture, data = self._session.reading.picture(
                at.layer, at.head, self.selected_cell["query"], pooling
            )
        except Missing:
            self.picture, self.picture_data = {}, b""
            return
        with self.hold_sync():
            self.picture = msgspec.to_builtins(picture)
            self.picture_data = data

    @traitlets.observe("selected_head", "selected_cell", "param_values")
    def _picture_is_old(self, _: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self.comm is None:
            return
        self._timer = threading.Timer(PICTURE_SECONDS, self._take_picture)
        self._timer.daemon = True
        self._timer.start()

    # --- scores on random tokens ---

    def _start_probe(self) -> None:
        try:
            job = probe_job(self._session.model)
        except ValueError as error:
            # The context or the vocabulary is too small for the probe: the text's scores remain.
            self._probe = False
            self._show_scores(self._scores())
            sentence = f"No scores on random tokens: {error}"
            self._show_status(m.Status("partial", sentence, 0, 0))
            return
        job.on_result(self._probed_some)
        job.on_end(self._probe_ended)
        self._job = job
        self._session.stop_with(job.stop)
        job.start()
        job.wait(PROBE_PATIENCE)

    def _probed_some(self, result: InductionHeads, done: int, total: int) -> None:
        self._probed = result
        status = m.Status("running", "Scoring heads on random tokens", done, total)
        # A prompt comes first; nothing is sent while one is being run.
        self._session.quiet.wait()
        self._show_progress(status, self._scores())

    def _probe_ended(self, job: Job[InductionHeads]) -> None:
        self._session.stop_with(None)
        if self.comm is None:
            return
        self._show_scores(self._scores())
        if self._session.quiet.is_set():
            self._show_status(self._resting())

    def _select_highest(self) -> None:
        """Open on a head that is worth a look; later, only the user selects."""
        for score in self._scores():
            value = score.value.nan_to_num(-torch.inf)
            if score.name == self.params["score"] and bool(torch.isfinite(value).any()):
                layer, head = divmod(int(value.argmax()), value.shape[1])
                self.selection.set((layer, head))

    # --- the wire ---

    def _source(self) -> Session:
        return self._session

    def open(self) -> None:
        """Open the wire; a view that was closed reads its text again."""
        self._session.reopen()
        super().open()

    def close(self) -> None:
        """End what is under way and let go of what was kept; showing it again opens it again."""
        if self.comm is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._session.close()
        super().close()


def explore(
    model: TransformerBridge,
    prompt: str | Sequence[int],
    *,
    score: str = "prefix_matching",
    first: str = "dim",
    scale: str = "head",
    pooling: str = "max",
    probe: bool = True,
    memory: int = 2**30,
    **options: Any,
) -> Explorer:
    """Open the explorer: every head of a model on one text, with the kernel behind each click.

    Args:
        model: Any TransformerBridge with causal self-attention; `load_model` gives one.
        prompt: Text, or token ids.
        score: Of the head grid. On random tokens "prefix_matching", "previous_token" or
            "duplicate_token"; on this text one of `TEXT_SCORES`, as in "text_induction", or
            "attribution", what a head adds to the logit of the likeliest token at the end.
        first: The first token's column, an attention sink of many heads: "show", "dim" or "hide".
        scale: Colours end at the "head"'s own maximum, or are "shared" and end at 1.
        pooling: What a cell of a long text's matrix is: "max" or "mean" over what it covers.
        probe: Also score every head on random tokens that repeat, in the background.
        memory: Bytes of attention to keep on the model's device; the rest is made again, exactly.
        **options: selection, a head ("5.1", (5, 1), `Head`) or a shared `Selection`; query and key;
            height in px; hide, names of panels to leave out; title; caption; params by name.

    Raises:
        TypeError: Not a model, not a prompt, or an unknown keyword.
        ValueError: An empty prompt, one longer than the context, a head that the model does not
            have, or an option that is not known. The sentence says what is accepted.

    >>> import circuit_widgets as cw
    >>> cw.explore(cw.load_model(), "blue dog", selection="1.2", height=620).selection
    <Selection head 1.2, query=2>
    """
    asked = opening("explore", options, ["score", "first", "scale", "pooling", "probe", "memory"])
    arguments.choice("score", score, SCORE_NAMES)
    arguments.whole("memory (a number of bytes)", memory)
    if not probe and score in SCORES:
        score = "text_induction"
    params = {"first": first, "scale": scale, "pooling": pooling, **asked.params}
    asked = replace(asked, params=params)
    return Explorer(model, prompt, opening=asked, score=score, probe=probe, memory=memory)
