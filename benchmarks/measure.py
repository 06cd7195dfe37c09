"""Repeat, take the median, and say it in a table."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psutil


def p95(values: Sequence[float]) -> float:
    """The 95th of 100: of fewer, the value that 95 % do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]


def spread(values: Sequence[float], unit: str = "ms") -> str:
    """Median and p95."""
    return f"{statistics.median(values):.0f} / {p95(values):.0f} {unit}"


def size(count: float) -> str:
    """Bytes for people: kB and MB of 1,000."""
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


def seconds(call: Callable[[], Any]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def in_turn(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Median seconds of each, run by turns so that a slow minute hits all of them alike."""
    for call in calls.values():
        call()
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            taken[name].append(seconds(call))
    return {name: statistics.median(values) for name, values in taken.items()}


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


@contextmanager
def peak_growth() -> Iterator[list[int]]:
    """Bytes by which this process's peak resident memory exceeded where it started.

    Sampled: Linux' own high-water mark cannot be set back without rights.
    """
    import threading

    process = psutil.Process()
    start = process.memory_info().rss
    most = [0]
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.002):
            most[0] = max(most[0], process.memory_info().rss - start)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield most
    finally:
        over.set()
        watcher.join()
        most[0] = max(most[0], process.memory_info().rss - start)


def max_rss() -> int:
    """Peak resident bytes of this process since it started."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
