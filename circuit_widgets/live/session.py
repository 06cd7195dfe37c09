"""A model on show: reads prompts one after the other and answers about the latest one."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from circuit_widgets.capture import Intervention
from circuit_widgets.live.reading import Reading, read
from circuit_widgets.prompts.tokens import Tokens, show_token, tokenize
from circuit_widgets.wire import messages as m
from circuit_widgets.wire.channel import Question, Refused, Wish

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

log = logging.getLogger("circuit_widgets")
IDLE = m.Status("idle", "", 0, 0)
# Between two notes on how far a run is; a small model passes its layers far faster than that.
NOTE_SECONDS = 0.05


class _Superseded(Exception):
    """A newer prompt, or Stop, ended this run."""


class Show(Protocol):
    """Who shows the session. Called from any thread."""

    def reading_changed(self, reading: Reading) -> None: ...
    def status_changed(self, status: m.Status) -> None: ...


class Session:
    """Runs prompts on one model for one view. Implements what a `Channel` asks of its source."""

    def __init__(self, model: TransformerBridge, memory: int, show: Show) -> None:
        self.model = model
        # Set while nobody waits for a prompt; long jobs pause between batches until it is.
        self.quiet = threading.Event()
        self.quiet.set()
        self._memory, self._show = memory, show
        self._tokens: Tokens | None = None
        self._reading: Reading | None = None
        self._reading_lock = threading.Lock()
        self._run_id = 0
        self._lock = threading.Lock()
        self._open = True
        self._wanted: Tokens | None = None
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._stop_job: Callable[[], None] | None = None
        self._failure: Exception | None = None

    @property
    def run_id(self) -> int:
        return self._run_id

    @property
    def reading(self) -> Reading:
        """The run on show; made again, the same, if it was let go. Kept only while this is open."""
        with self._reading_lock:
            reading = self._reading
            if reading is None:
                if self._tokens is None:
                    raise Refused("missing", "no prompt has been run yet")
                reading = self._made(self._tokens, self._run_id)
                self._keep(reading)
            return reading

    def _keep(self, reading: Reading) -> None:
        """A question, a timer or a job may still be under way when the view is closed."""
        with self._lock:
            if self._open:
                self._reading = reading

    def has_run(self, run: int) -> bool:
        return run == self._run_id

    def is_cheap(self, question: Question) -> bool:
        return self.reading.is_cheap(question)

    def answer(self, question: Question) -> tuple[m.Body, bytes]:
        return self.reading.answer(question)

    def read_now(self, prompt: str | Sequence[int]) -> Reading:
        """Run a prompt on this thread, before there is a view. Raises what is wrong with it."""
        self._tokens = tokenize(self.model, prompt)
        return self.reading

    def read_under(self, edits: Sequence[Intervention], run_id: int) -> Reading:
        """The text on show, read again with something changed inside the model; not kept."""
        tokens = self.reading.tokens
        return read(self.model, tokens, run_id, self._memory, self._name_token, edits=edits)

    def run(self, text: str) -> None:
        """Run a prompt on a worker thread; a prompt that is under way is given up."""
        try:
            # The view says which words are unknown; a warning would land in some other cell.
            tokens = tokenize(self.model, text, warn=False)
        except (TypeError, ValueError) as error:
            raise Refused("invalid", str(error)) from error
        self._start(tokens)

    def wish(self, wish: Wish) -> None:
        raise Refused("missing", "this view has no cases; that of analyze_failures has some")

    def run_and_wait(self, prompt: str | Sequence[int]) -> None:
        """Run a prompt on the worker thread and wait for it. Raises what is wrong with it."""
        self._failure = None
        self._start(tokenize(self.model, prompt))
        self.quiet.wait()
        if self._failure is not None:
            raise self._failure

    def _start(self, tokens: Tokens) -> None:
        with self._lock:
            self._wanted = tokens
            self._ended.set()
            self.quiet.clear()
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name="circuit_widgets prompts", daemon=True
                )
                self._thread.start()

    def stop(self) -> None:
        """Give up the prompt that is being run, else stop the job that scores heads."""
        if self._thread is not None:
            self._ended.set()
        elif self._stop_job is not None:
            self._stop_job()

    def stop_with(self, stop_job: Callable[[], None] | None) -> None:
        """What `stop` ends when no prompt is being run."""
        self._stop_job = stop_job

    def reopen(self) -> None:
        """Read the text again where it was let go of."""
        with self._lock:
            self._open = True
        if self._tokens is not None:
            _ = self.reading

    def close(self) -> None:
        """End what is under way and let go of what was kept."""
        with self._lock:
            self._wanted = None
            self._ended.set()
            self._open = False
            # A closed view is still in the notebook's Out: it must not hold a model's activations.
            self._reading = None
        if self._stop_job is not None:
            self._stop_job()
        self.quiet.set()

    def _work(self) -> None:
        while True:
            with self._lock:
                tokens, self._wanted = self._wanted, None
                if tokens is None:
                    self._thread = None
                    self.quiet.set()
                    return
                self._ended.clear()
            try:
                self._read(tokens)
            except _Superseded:
                if self._wanted is None:
                    self._show.status_changed(IDLE)
            except Exception as error:
                log.info("a prompt failed", exc_info=error)
                self._failure = error
                sentence = str(error) or type(error).__name__
                self._show.status_changed(m.Status("failed", sentence, 0, 0))

    def _read(self, tokens: Tokens) -> None:
        n_layers = self.model.cfg.n_layers
        message = f"Running {len(tokens.strings)} tokens"
        self._show.status_changed(m.Status("running", message, 0, n_layers))
        noted = time.monotonic()

        def on_layer(layer: int) -> None:
            nonlocal noted
            if self._ended.is_set():
                raise _Superseded
            if time.monotonic() - noted > NOTE_SECONDS:
                noted = time.monotonic()
                self._show.status_changed(m.Status("running", message, layer + 1, n_layers))

        # Two runs' layers need not be held at once; the old picture needs only its overviews.
        self.reading.store.release()
        reading = self._made(tokens, self._run_id + 1, on_layer)
        if not self._open:
            raise _Superseded
        with self._reading_lock:
            self._keep(reading)
            self._tokens = tokens
            self._run_id += 1
        self._show.reading_changed(reading)

    def _made(
        self, tokens: Tokens, run_id: int, on_layer: Callable[[int], None] | None = None
    ) -> Reading:
        return read(self.model, tokens, run_id, self._memory, self._name_token, on_layer)

    def _name_token(self, id: int) -> str:
        return show_token(self.model, id)
