"""The kernel's end of the wire: validate, queue, answer; never compute in the message handler.

Requests arrive on whatever thread Jupyter delivers them on. What is at hand is answered there: a
copy of some kilobytes, and no change of threads. What must be computed first is handed over to a
worker, the newest first, so that a click is never behind a computation.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from circuit_widgets.wire import messages as m
from circuit_widgets.wire.pusher import Pusher, Shown

log = logging.getLogger(__name__)
MAX_WAITING = 256
MAX_CLIENTS = 64
REMEMBERED_IDS = 4096
Question = m.Tiles | m.Cells | m.Column | m.Next
# What takes the model longer than an answer may take: carried out later, and seen in the topic.
Wish = m.TryFix | m.AddCase
Send = Callable[[dict[str, Any], list[bytes]], None]


class Refused(Exception):
    """Why a question gets no answer, as a sentence for the user."""

    def __init__(self, reason: m.Reason, message: str) -> None:
        super().__init__(message)
        self.reason: m.Reason = reason


class Source(Protocol):
    """What a channel asks: the run that is on show, and how to change it."""

    @property
    def run_id(self) -> int:
        """Which run is on show."""
        ...

    def has_run(self, run: int) -> bool:
        """Whether a run can be asked about: the one on show, or another one beside it."""
        ...

    def is_cheap(self, question: Question) -> bool:
        """Whether it can be answered at once, in a millisecond or so."""
        ...

    def answer(self, question: Question) -> tuple[m.Body, bytes]:
        """The answer; raises `Refused`."""
        ...

    def run(self, text: str) -> None:
        """Start on a new prompt; returns at once."""
        ...

    def wish(self, wish: Wish) -> None:
        """Start on what a page wishes for; returns at once. Raises `Refused`."""
        ...

    def stop(self) -> None:
        """Stop what is under way; returns at once."""
        ...


class Channel:
    """Answers the views of one model."""

    def __init__(self, source: Source, send: Send) -> None:
        self._source, self._send = source, send
        self._seen: OrderedDict[str, _Ids] = OrderedDict()
        # Clients on a line where filling a reply costs more than it saves, and the last one's wish.
        self._unfilled: set[str] = set()
        self._fill_pushes = True
        self._lock = threading.Lock()
        self._push = Pusher(self._deliver)
        self._lane = _Lane("answers", self._answer)

    def receive(self, content: object, buffers: Sequence[object] = ()) -> None:
        """One message from a front end, of whatever shape. Never raises, returns at once."""
        try:
            if buffers:
                raise msgspec.ValidationError("a request carries no buffers")
            batch = msgspec.convert(content, m.Batch)
        except (msgspec.ValidationError, TypeError, ValueError, RecursionError) as error:
            client = content.get("client") if isinstance(content, dict) else None
            name = client[:64] if isinstance(client, str) else ""
            self._fail(name, 0, "invalid", f"this request could not be read: {error}")
            return
        for request in batch.requests:
            # An acknowledgement has no answer and may be repeated.
            if isinstance(request, m.Ack):
                self._push.acknowledge(request.seq)
            elif self._is_new(batch.client, request.id):
                self._take(batch.client, request)

    def push(self, shown: Shown) -> None:
        """Show this when the last push has been drawn, in the place of what was waiting."""
        self._push.offer(shown)

    def drop_push(self, version: int) -> None:
        """Forget what waits and is older than this: the traits have said more since."""
        self._push.drop(version)

    def close(self) -> None:
        """End the worker; what is waiting is forgotten."""
        self._lane.close()
        self._push.close()

    def _is_new(self, client: str, id: int) -> bool:
        with self._lock:
            ids = self._seen.setdefault(client, _Ids())
            self._seen.move_to_end(client)
            if len(self._seen) > MAX_CLIENTS:
                forgotten, _ = self._seen.popitem(last=False)
                self._unfilled.discard(forgotten)
            return ids.add(id)

    def _take(self, client: str, request: m.Request) -> None:
        match request:
            case m.Hello():
                self._set_filling(client, request.fill)
                self._ok(client, request.id, m.DoneReply(), b"")
            case m.Cancel():
                self._lane.cancel(client, request.target)
            case m.Stop():
                self._command(client, request.id, self._source.stop)
            case m.RunPrompt():
                self._command(client, request.id, lambda: self._source.run(request.text))
            case m.TryFix() | m.AddCase():
                self._command(client, request.id, lambda: self._source.wish(request))
            case m.Tiles() | m.Cells() | m.Column() | m.Next():
                self._queue(client, request)

    def _set_filling(self, client: str, fill: bool) -> None:
        with self._lock:
            (self._unfilled.discard if fill else self._unfilled.add)(client)
            # A push goes to every page; the page that spoke last is the one in use.
            self._fill_pushes = fill

    def _fills(self, reply: m.Reply) -> bool:
        if isinstance(reply, m.Push):
            return self._fill_pushes
        return reply.client not in self._unfilled

    def _command(self, client: str, id: int, command: Callable[[], None]) -> None:
        try:
            command()
        except Refused as refusal:
            self._fail(client, id, refusal.reason, str(refusal))
        except Exception as error:
            self._fail(client, id, "failed", f"{type(error).__name__}: {error}")
        else:
            self._ok(client, id, m.DoneReply(), b"")

    def _queue(self, client: str, question: Question) -> None:
        if self._is_stale(client, question):
            return
        if self._source.is_cheap(question):
            self._answer(client, question)
            return
        dropped = self._lane.put(client, question)
        if dropped is not None:
            self._fail(dropped[0], dropped[1].id, "busy", "too many requests are waiting")

    def _is_stale(self, client: str, question: Question) -> bool:
        if self._source.has_run(question.run):
            return False
        self._fail(client, question.id, "stale", "the prompt has changed since this was asked")
        return True

    def _answer(self, client: str, question: Question) -> None:
        if self._is_stale(client, question):
            return
        try:
            body, buffer = self._source.answer(question)
        except Refused as refusal:
            self._fail(client, question.id, refusal.reason, str(refusal))
        except Exception as error:
            log.exception("no answer to %s", question)
            self._fail(client, question.id, "failed", f"{type(error).__name__}: {error}")
        else:
            self._ok(client, question.id, body, buffer, question.run)

    def _ok(
        self, client: str, id: int, body: m.Body, buffer: bytes, run: int | None = None
    ) -> None:
        run = self._source.run_id if run is None else run
        self._deliver(m.Ok(client, id, run, body), [buffer])

    def _fail(self, client: str, id: int, reason: m.Reason, message: str) -> None:
        self._deliver(m.Fail(client, id, reason, message), [])

    def _deliver(self, reply: m.Reply, buffers: list[bytes]) -> None:
        *others, last = buffers or [b""]
        # Filled up, so that the server's socket sends it at once.
        missing = m.FLUSH_BYTES - sum(map(len, buffers))
        padding = bytes(max(0, missing)) if self._fills(reply) else b""
        try:
            self._send(msgspec.to_builtins(reply), [*others, last + padding])
        except Exception:
            log.exception("a reply could not be sent")


class _Ids:
    """The ids a client has used lately."""

    def __init__(self) -> None:
        self._ids: set[int] = set()
        self._order: deque[int] = deque()

    def add(self, id: int) -> bool:
        """Whether it is new."""
        if id in self._ids:
            return False
        self._ids.add(id)
        self._order.append(id)
        if len(self._order) > REMEMBERED_IDS:
            self._ids.discard(self._order.popleft())
        return True


class _Lane:
    """A worker that answers the newest question first. Its thread starts with the first one."""

    def __init__(self, name: str, answer: Callable[[str, Question], None]) -> None:
        self._name, self._answer_one = name, answer
        self._waiting: deque[tuple[str, Question]] = deque()
        self._ready = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def put(self, client: str, question: Question) -> tuple[str, Question] | None:
        """Add a question; returns the oldest one if it had to be dropped."""
        with self._ready:
            if self._closed:
                return client, question
            self._waiting.append((client, question))
            dropped = self._waiting.popleft() if len(self._waiting) > MAX_WAITING else None
            if self._thread is None:
                name = f"circuit_widgets {self._name}"
                self._thread = threading.Thread(target=self._work, name=name, daemon=True)
                self._thread.start()
            self._ready.notify()
        return dropped

    def cancel(self, client: str, id: int) -> None:
        with self._ready:
            kept = [(c, q) for c, q in self._waiting if (c, q.id) != (client, id)]
            self._waiting.clear()
            self._waiting.extend(kept)

    def close(self) -> None:
        with self._ready:
            self._closed = True
            self._waiting.clear()
            self._ready.notify()

    def _work(self) -> None:
        while True:
            with self._ready:
                while not self._waiting and not self._closed:
                    self._ready.wait()
                if self._closed:
                    return
                client, question = self._waiting.pop()
            self._answer_one(client, question)
