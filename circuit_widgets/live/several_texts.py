"""Several texts side by side, of one model or of two: each is read when it is first looked at."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from circuit_widgets.live.fixed_text import MEMORY, NOBODY
from circuit_widgets.live.session import Session
from circuit_widgets.wire import messages as m
from circuit_widgets.wire.channel import Question, Refused, Wish

# Texts whose attention is kept at once: a case and its healthy text, and those before them.
KEPT = 4


class SeveralTexts:
    """Answers about texts by the number of their run. Implements what a `Channel` asks.

    Models are held weakly: a view must not keep a model that nobody else needs.
    """

    run_id = 0

    def __init__(self, stop: Callable[[], None], wish: Callable[[Wish], None]) -> None:
        self.stop, self.wish = stop, wish
        self._texts: dict[int, tuple[weakref.ref[Any], tuple[int, ...]]] = {}
        self._read: OrderedDict[int, Session] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, run: int, model: Any, ids: Sequence[int]) -> None:
        """A text that can be asked about from now on."""
        self._texts[run] = (weakref.ref(model), tuple(ids))

    def has_run(self, run: int) -> bool:
        return run in self._texts

    def is_cheap(self, question: Question) -> bool:
        with self._lock:
            session = self._read.get(question.run)
        return session is not None and session.is_cheap(question)

    def answer(self, question: Question) -> tuple[m.Body, bytes]:
        return self._session(question.run).answer(question)

    def run(self, text: str) -> None:
        raise Refused("missing", "this view has no prompt; explore(model, prompt) has one")

    def _session(self, run: int) -> Session:
        """A text's session, opened where it is not; the one looked at longest ago is let go."""
        with self._lock:
            session = self._read.pop(run, None)
        if session is None:
            refers, ids = self._texts[run]
            model = refers()
            if model is None:
                raise Refused("missing", "the model of this text is gone")
            session = Session(model, MEMORY, NOBODY)
            session.read_now(ids)
        gone = None
        with self._lock:
            self._read[run] = session
            if len(self._read) > KEPT:
                _, gone = self._read.popitem(last=False)
        if gone is not None:
            gone.close()
        return session

    def open(self) -> None:
        """Nothing to do: a text is read again when it is looked at."""

    def close(self) -> None:
        """Let go of what was kept."""
        with self._lock:
            sessions, self._read = [*self._read.values()], OrderedDict()
        for session in sessions:
            session.close()
