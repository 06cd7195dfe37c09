"""Stop: an analysis or a run that is under way is asked to end."""

from __future__ import annotations

import contextvars
import threading

current_stop: contextvars.ContextVar[threading.Event | None] = contextvars.ContextVar(
    "circuit_widgets_stop", default=None
)


class Stopped(BaseException):
    """Raised inside an analysis whose job was stopped.

    Not an `Exception`, as `KeyboardInterrupt` is not: `except Exception` somewhere in a model's
    forward pass must not swallow it.
    """


def check_stop(layer: int = -1) -> None:
    """Raise `Stopped` if the job that runs on this thread was asked to stop.

    An analysis hands it to `capture.run` as `on_layer`, so that Stop works inside a forward pass.
    Does nothing when the analysis was called without a job.
    """
    stop = current_stop.get()
    if stop is not None and stop.is_set():
        raise Stopped
