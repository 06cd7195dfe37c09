"""Stop: an analysis or a run that is under way is asked to end."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator
from contextlib import contextmanager

current_stop: contextvars.ContextVar[threading.Event | None] = contextvars.ContextVar(
    "circuit_widgets_stop", default=None
)


class Stopped(BaseException):
    """Raised inside an analysis whose job was stopped.

    Not an `Exception`, as `KeyboardInterrupt` is not: `except Exception` somewhere in a model's
    forward pass must not swallow it.
    """


def can_stop() -> bool:
    """Whether a job runs on this thread, which somebody may ask to stop."""
    return current_stop.get() is not None


@contextmanager
def unstoppable() -> Iterator[None]:
    """Passes in it are not the job's: what listens to a job may run the model after a stop.

    >>> with unstoppable():
    ...     check_stop()
    """
    token = current_stop.set(None)
    try:
        yield
    finally:
        current_stop.reset(token)


def check_stop() -> None:
    """Raise `Stopped` if the job that runs on this thread was asked to stop.

    Every pass of `capture` does this before it begins and after each layer. Only work that runs no
    model (shuffles, products of weights) has to do it by itself. Without a job it does nothing.

    >>> check_stop()
    """
    stop = current_stop.get()
    if stop is not None and stop.is_set():
        raise Stopped
