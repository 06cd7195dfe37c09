"""An analysis on a worker thread: started, listened to, stopped."""

from __future__ import annotations

import atexit
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any, Generic, Literal, TypeVar

from circuit_widgets.capture.stopping import Stopped, check_stop, current_stop, unstoppable
from circuit_widgets.jobs.progress import Progress
from circuit_widgets.results.result import Result

State = Literal["ready", "running", "done", "stopped", "failed"]
R = TypeVar("R", bound=Result)
_log = logging.getLogger("circuit_widgets")
_running: weakref.WeakSet[Job] = weakref.WeakSet()


class Job(Generic[R]):
    """Runs an iterator of partial results, and progress between them, on a daemon thread.

    Callbacks run on the worker thread, one after the other; one that raises is logged and does not
    end the job. Register them before `start`.
    """

    def __init__(self, steps: Iterator[R | Progress], name: str, model: object = None) -> None:
        self.name = name
        self._model = None if model is None else weakref.ref(model)
        self._steps: Iterator[R | Progress] | None = steps
        self._stop = threading.Event()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._state: State = "ready"
        self._result: R | None = None
        self._error: BaseException | None = None
        self._progress = Progress(0, 0)
        self._counted = False
        self._on_progress: list[Callable[[Progress], object]] = []
        self._on_result: list[Callable[[R, int, int], object]] = []
        self._on_end: list[Callable[[Job[R]], object]] = []

    @property
    def state(self) -> State:
        """ready, running, and then for good: done, stopped or failed."""
        return self._state

    @property
    def result(self) -> R | None:
        """The latest result; `result.provenance.complete` says whether it is all of it."""
        return self._result

    @property
    def progress(self) -> Progress:
        """How much of all the work is done, and which stage is under way."""
        return self._progress

    @property
    def model(self) -> Any:
        """The model it runs on, or None: it is gone, or the job was given none."""
        return None if self._model is None else self._model()

    @property
    def error(self) -> BaseException | None:
        """What made it fail."""
        return self._error

    def on_result(self, callback: Callable[[R, int, int], object]) -> None:
        """Call `callback(result, done, total)` for each partial result and for the last.

        `done` and `total` are steps of all the work, as in `progress`.
        """
        self._on_result.append(callback)

    def on_progress(self, callback: Callable[[Progress], object]) -> None:
        """Call `callback(progress)` whenever some work is done, also where no result is new."""
        self._on_progress.append(callback)

    def on_end(self, callback: Callable[[Job[R]], object]) -> None:
        """Call `callback(job)` once `state` is final; at once if it is so already."""
        with self._lock:
            if not self._ended.is_set():
                self._on_end.append(callback)
                return
        self._tell(callback, self)

    def start(self) -> None:
        """Start the worker thread.

        Raises:
            RuntimeError: It was started or stopped before; a job runs once.
        """
        with self._lock:
            if self._state != "ready":
                raise RuntimeError(f"{self.name} is {self._state}: a job can be started once")
            self._state = "running"
        self._thread = threading.Thread(
            target=self._work, name=f"circuit_widgets {self.name}", daemon=True
        )
        _running.add(self)
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end soon, also inside a forward pass, and return at once.

        The result so far stays.
        """
        self._stop.set()
        with self._lock:
            never_started = self._state == "ready"
            if never_started:
                self._state = "stopped"
        if never_started:
            self._end()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has ended and every callback has run; False if `timeout` seconds passed.

        Raises:
            RuntimeError: Called from one of its own callbacks, which would wait for ever.
        """
        if threading.current_thread() is self._thread:
            raise RuntimeError(
                f"{self.name} cannot wait for itself: call wait outside its callbacks"
            )
        until = None if timeout is None else time.monotonic() + timeout
        if not self._ended.wait(timeout):
            return False
        if self._thread is not None:
            self._thread.join(None if until is None else max(0.0, until - time.monotonic()))
            return not self._thread.is_alive()
        return True

    def _work(self) -> None:
        current_stop.set(self._stop)
        steps = self._steps
        assert steps is not None
        state: State = "done"
        try:
            for step in steps:
                self._take(step)
                # Between two passes a click gets the model's lock: without a pause this thread
                # would take it again before a waiting one has woken up.
                time.sleep(0.001)
                if self._result is None or not self._result.provenance.complete:
                    check_stop()
        except Stopped:
            state = "stopped"
        except BaseException as error:
            self._error = error
            state = "failed"
            _log.info("%s failed", self.name, exc_info=error)
        finally:
            close = getattr(steps, "close", None)
            if close is not None:
                close()
        # What listens to the end may run the model itself: it was not asked to stop.
        current_stop.set(None)
        with self._lock:
            self._state = state
        self._end()

    def _take(self, step: R | Progress) -> None:
        """Keep a step and tell it to those who listen."""
        if isinstance(step, Progress):
            self._counted, self._progress = True, step
        else:
            self._result = step
            made = step.provenance
            if not self._counted:
                self._progress = Progress(made.n_done, made.n_total, "", made.seconds)
            for callback in self._on_result:
                self._tell(callback, step, self._progress.done, self._progress.total)
        for callback in self._on_progress:
            self._tell(callback, self._progress)

    def _end(self) -> None:
        # The iterator holds the model; a job that is over must not.
        self._steps = None
        with self._lock:
            self._ended.set()
            callbacks, self._on_end = self._on_end, []
        for callback in callbacks:
            self._tell(callback, self)
        self._on_result, self._on_progress = [], []
        _running.discard(self)

    def _tell(self, callback: Callable[..., object], *args: object) -> None:
        try:
            with unstoppable():
                callback(*args)
        except Exception:
            _log.exception("a callback of %s failed", self.name)


@atexit.register
def _stop_all() -> None:
    # A daemon thread that is inside torch while the interpreter is torn down can crash it.
    jobs = list(_running)
    for job in jobs:
        job.stop()
    for job in jobs:
        job.wait(5)
