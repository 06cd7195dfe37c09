"""What the kernel shows unasked: on credit, the latest first, in the order of its versions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from circuit_widgets.wire import messages as m
from circuit_widgets.wire.blocks import BlockTopic

# A page that was closed never acknowledges; after this long the next push is sent regardless.
CREDIT_SECONDS = 5.0
# The name of the scores' buffer in a push; the others have the names of their blocks.
SCORES = "scores"


@dataclass(frozen=True)
class Shown:
    """What a view is to show now. A part that is None stays as it is there."""

    version: int
    status: m.Status
    scores: m.ScoresInfo | None = None
    topic: BlockTopic | None = None
    buffers: Mapping[str, bytes] = field(default_factory=dict)

    def over(self, older: Shown) -> Shown:
        """This, with the parts that only the older one has."""
        kept: dict[str, bytes] = {}
        if self.scores is None and older.scores is not None:
            kept[SCORES] = older.buffers[SCORES]
        if self.topic is None and older.topic is not None:
            kept |= {name: data for name, data in older.buffers.items() if name != SCORES}
        return Shown(
            max(self.version, older.version),
            self.status,
            self.scores or older.scores,
            self.topic or older.topic,
            {**kept, **self.buffers},
        )


class Pusher:
    """At most one push is on its way; what waits is one push, with the latest of each part."""

    def __init__(self, deliver: Callable[[m.Reply, list[bytes]], None]) -> None:
        self._deliver = deliver
        self._lock = threading.Lock()
        self._seq = 0
        self._on_its_way: int | None = None
        self._next: Shown | None = None
        self._timer: threading.Timer | None = None
        self._closed = False

    def offer(self, shown: Shown) -> None:
        with self._lock:
            self._next = shown if self._next is None else shown.over(self._next)
            if self._on_its_way is None:
                self._send_next()

    def drop(self, version: int) -> None:
        with self._lock:
            if self._next is not None and self._next.version < version:
                self._next = None

    def acknowledge(self, seq: int) -> None:
        with self._lock:
            if self._on_its_way is None or seq != self._on_its_way:
                return  # stale, or made up
            self._on_its_way = None
            if self._timer is not None:
                self._timer.cancel()
            self._send_next()

    def close(self) -> None:
        """Send nothing more, and leave no timer behind."""
        with self._lock:
            self._closed = True
            self._next = None
            if self._timer is not None:
                self._timer.cancel()

    def _send_next(self) -> None:
        if self._next is None or self._closed:
            return
        shown, self._next = self._next, None
        self._seq += 1
        self._on_its_way = self._seq
        self._timer = threading.Timer(CREDIT_SECONDS, self.acknowledge, (self._seq,))
        self._timer.daemon = True
        self._timer.start()
        names, data = list(shown.buffers), list(shown.buffers.values())
        push = m.Push(self._seq, shown.version, shown.status, shown.scores, shown.topic, names)
        self._deliver(push, data)
