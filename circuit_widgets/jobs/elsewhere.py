"""Calls that an executor makes, as they finish; one that fails is said, and the others arrive."""

from __future__ import annotations

import concurrent.futures
import dataclasses
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any, TypeVar

import torch

from circuit_widgets import arguments
from circuit_widgets.capture.stopping import check_stop

T = TypeVar("T")
_POLL = 0.25


@dataclasses.dataclass(frozen=True)
class Failure:
    """What went wrong with one item; the others arrive.

    Attributes:
        kind: The exception's class.
        message: What it said.

    >>> import circuit_widgets as cw
    >>> models = {"there": "toy-induction", "not there": cw.Load("toy-induction", step=7)}
    >>> swept = cw.sweep(cw.detect_attention_patterns, models, prompts="blue dog", progress=False)
    >>> swept.failures["not there"].kind
    'ValueError'
    """

    kind: str
    message: str

    def of(self, name: str) -> str:
        """In words, with whose it is."""
        return f"{name}: {self.kind}: {self.message.removeprefix(f'{name}: ')}"


def outcome(call: Callable[[], T]) -> T | Failure:
    """What a call gives, or what went wrong with it.

    >>> outcome(lambda: 3), outcome(lambda: int("three")).kind
    (3, 'ValueError')
    """
    try:
        return call()
    except Exception as error:
        return _failure(error)


def checked_executor(
    executor: Any, models: Iterable[Any] = ()
) -> concurrent.futures.Executor | None:
    """An executor, or None, which can be given these models.

    Raises:
        TypeError: It is neither, or it would have to send a loaded model to another process.
    """
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise TypeError(
            f"the executor is {arguments.shown(executor)}; accepted is one of concurrent.futures, "
            "such as ThreadPoolExecutor() or Dask's Client.get_executor()"
        )
    if isinstance(executor, concurrent.futures.ProcessPoolExecutor) and any(
        isinstance(model, torch.nn.Module) for model in models
    ):
        raise TypeError(
            "a model is loaded already, and cannot be sent to another process; accepted on a "
            "ProcessPoolExecutor is a name or Load(...), which is loaded there"
        )
    return executor


def elsewhere(
    calls: Mapping[str, Callable[[], T]], executor: concurrent.futures.Executor
) -> Generator[tuple[str, T | Failure], None, None]:
    """Each call's name and outcome, as they finish on an executor. Closed, it cancels the rest.

    >>> with concurrent.futures.ThreadPoolExecutor(1) as threads:
    ...     dict(elsewhere({"a": lambda: 1, "b": lambda: 2}, threads))
    {'a': 1, 'b': 2}
    """
    names: dict[concurrent.futures.Future[T], str] = {}
    try:
        for name, call in calls.items():
            try:
                names[executor.submit(call)] = name
            except Exception as error:  # A pool whose worker has died takes no more.
                yield name, _failure(error)
        left = set(names)
        while left:
            # Not longer than that: somebody may have asked to stop.
            done, left = concurrent.futures.wait(left, _POLL, concurrent.futures.FIRST_COMPLETED)
            check_stop()
            for future in done:
                yield names[future], outcome(future.result)
    finally:
        for future in names:
            future.cancel()


def _failure(error: Exception) -> Failure:
    return Failure(type(error).__name__, str(error))
