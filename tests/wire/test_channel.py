"""The channel: every request one answer, in a sensible order, whatever else arrives."""

from __future__ import annotations

import queue
import threading

import msgspec
import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st

from circuit_widgets.wire import channel as channels
from circuit_widgets.wire import messages as m
from circuit_widgets.wire.channel import Channel, Refused

WAIT = 20
IDLE = m.Status("idle", "", 0, 0)


class Source:
    """Answers at once, or when `gate` is opened; layer 1 has to be computed."""

    def __init__(self):
        self.run_id = 0
        self.gate = threading.Event()
        self.gate.set()
        self.asked = []
        self.ran = []
        self.beside = []
        self.wished = []
        self.stopped = 0

    def has_run(self, run):
        return run in (self.run_id, *self.beside)

    def is_cheap(self, question):
        return not isinstance(question, m.Cells)

    def answer(self, question):
        if isinstance(question, m.Cells):
            assert self.gate.wait(WAIT)
        self.asked.append(question.id)
        if isinstance(question, m.Column) and question.key == 13:
            raise ZeroDivisionError("unlucky")
        if isinstance(question, m.Column) and question.key == 14:
            raise Refused("missing", "there is no key 14")
        return m.NextReply(1, [], None), b"abc"

    def run(self, text):
        if not text:
            raise Refused("invalid", "the prompt is empty")
        self.ran.append(text)

    def wish(self, wish):
        if self.wished:
            raise Refused("busy", "another fix is being tried")
        self.wished.append(wish)

    def stop(self):
        self.stopped += 1


class Wire:
    """A channel and what it sent."""

    def __init__(self):
        self.source = Source()
        self.sent = queue.Queue()
        self.channel = Channel(
            self.source, lambda content, buffers: self.sent.put((content, buffers))
        )

    def ask(self, *requests, client="a"):
        batch = m.Batch(client, list(requests))
        self.channel.receive(msgspec.to_builtins(batch))

    def next(self):
        return self.sent.get(timeout=WAIT)[0]

    def nothing(self):
        """Nothing more is sent: a hello asked now is answered first."""
        self.channel.receive({"client": "z", "requests": [{"kind": "hello", "id": self.fresh()}]})
        reply = self.next()
        return reply["kind"] == "ok" and reply["client"] == "z"

    _ids = 10**6

    def fresh(self):
        Wire._ids += 1
        return Wire._ids


@pytest.fixture
def wire():
    made = Wire()
    yield made
    made.source.gate.set()
    made.channel.close()


def cells(id, run=0):
    return m.Cells(id, run, (0, 0), (0, 1, 0, 1))


def column(id, key=0, run=0):
    return m.Column(id, run, (0, 0), key)


def tiles(id, run=0):
    return m.Tiles(id, run, [(0, 0)], [], "max", (0, 1, 0, 1), 256)


def test_every_request_is_answered_once(wire):
    asked = [
        tiles(1),
        cells(2),
        column(3),
        m.Next(4, 0, 0),
        m.RunPrompt(5, "x"),
        m.Stop(6),
        m.Hello(7),
    ]
    wire.ask(*asked)
    replies = [wire.next() for _ in asked]
    assert sorted(reply["id"] for reply in replies) == [1, 2, 3, 4, 5, 6, 7]
    assert {reply["kind"] for reply in replies} == {"ok"}
    assert wire.source.ran == ["x"] and wire.source.stopped == 1
    assert wire.nothing()


def test_a_repeated_id_is_ignored_and_another_clients_is_not(wire):
    wire.ask(m.Hello(1))
    wire.ask(m.Hello(1))
    wire.ask(m.Hello(1), client="b")
    assert [wire.next()["client"], wire.next()["client"]] == ["a", "b"]
    assert wire.nothing()


def test_another_run_is_stale(wire):
    wire.source.run_id = 3
    wire.ask(tiles(1, run=2))
    reply = wire.next()
    assert (reply["kind"], reply["reason"], reply["id"]) == ("error", "stale", 1)
    assert wire.source.asked == []


def test_a_run_that_changes_while_a_question_waits_makes_it_stale(wire):
    wire.source.gate.clear()
    wire.ask(cells(1))
    wire.ask(cells(2))
    wire.source.run_id = 1
    wire.source.gate.set()
    replies = {reply["id"]: reply for reply in (wire.next() for _ in range(2))}
    # One may have been begun before; the other was not.
    assert "stale" in {reply.get("reason") for reply in replies.values()}


def test_a_click_is_not_behind_a_computation_and_the_newest_comes_first(wire):
    wire.source.gate.clear()
    wire.ask(cells(1))
    wire.ask(cells(2), cells(3), cells(4))
    wire.ask(tiles(5))
    assert wire.next()["id"] == 5  # while the first computation is still going on
    wire.source.gate.set()
    first, *rest = [wire.next()["id"] for _ in range(4)]
    assert {first, *rest} == {1, 2, 3, 4}
    order = [id for id in rest if id in (2, 3, 4)]
    assert order == sorted(order, reverse=True)


def test_what_is_cancelled_is_not_computed(wire):
    wire.source.gate.clear()
    wire.ask(cells(1))
    wire.ask(tiles(2))
    assert wire.next()["id"] == 2
    wire.ask(cells(3), cells(4))
    wire.ask(m.Cancel(5, 3))
    wire.source.gate.set()
    assert {wire.next()["id"], wire.next()["id"]} <= {1, 4}
    assert 3 not in wire.source.asked


def test_too_many_that_wait_are_refused_the_oldest_first(wire, monkeypatch):
    monkeypatch.setattr(channels, "MAX_WAITING", 3)
    wire.source.gate.clear()
    wire.ask(cells(1))
    wire.ask(tiles(99))
    assert wire.next()["id"] == 99
    for id in range(2, 8):
        wire.ask(cells(id))
    busy = [wire.next() for _ in range(3)]
    assert all(reply["reason"] == "busy" for reply in busy)
    assert [reply["id"] for reply in busy] in ([2, 3, 4], [1, 2, 3])
    wire.source.gate.set()


def test_a_source_that_fails_is_an_answer_and_the_channel_goes_on(wire):
    wire.ask(column(1, key=13), column(2, key=14), m.RunPrompt(3, ""))
    replies = {reply["id"]: reply for reply in (wire.next() for _ in range(3))}
    assert replies[1]["reason"] == "failed" and "unlucky" in replies[1]["message"]
    assert replies[2]["reason"] == "missing" and "key 14" in replies[2]["message"]
    assert replies[3]["reason"] == "invalid" and "empty" in replies[3]["message"]
    wire.ask(tiles(4))
    assert wire.next()["kind"] == "ok"


def test_a_reply_leaves_the_socket_at_once(wire):
    wire.ask(tiles(1))
    _, buffers = wire.sent.get(timeout=WAIT)
    assert len(buffers) == 1 and len(buffers[0]) == m.FLUSH_BYTES
    assert bytes(buffers[0][:3]) == b"abc"


def test_a_sender_that_fails_does_not_end_the_channel():
    source = Source()
    broken = threading.Event()
    got = queue.Queue()

    def send(content, buffers):
        if not broken.is_set():
            broken.set()
            raise OSError("the socket is closed")
        got.put(content)

    channel = Channel(source, send)
    for id in (1, 2):
        channel.receive({"client": "a", "requests": [{"kind": "hello", "id": id}]})
    assert got.get(timeout=WAIT)["id"] == 2
    channel.close()


# --- pushes ---


def iter_now(sent):
    while True:
        try:
            yield sent.get(timeout=0.2)[0]
        except queue.Empty:
            return


# --- whatever arrives ---

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)
VALID = [
    msgspec.to_builtins(request)
    for request in (tiles(1), cells(2), column(3), m.Next(4, 0, 0), m.RunPrompt(5, "x"), m.Stop(6))
]
LIVES = {"suppress_health_check": [HealthCheck.function_scoped_fixture], "deadline": None}


def lives(wire):
    """A valid request is still answered, after whatever else is being answered."""
    id = wire.fresh()
    wire.channel.receive({"client": "alive", "requests": [{"kind": "hello", "id": id}]})
    while True:
        reply = wire.next()
        assert reply["kind"] in ("ok", "error")
        if reply["client"] == "alive" and reply["id"] == id:
            return True


def test_replies_are_filled_until_a_page_says_that_it_costs_more_than_it_saves(wire):
    def size() -> int:
        return sum(map(len, wire.sent.get(timeout=WAIT)[1]))

    wire.ask(m.Hello(1))
    assert size() == m.FLUSH_BYTES
    wire.ask(m.Hello(2, fill=False), m.Hello(3, fill=False), client="slow")
    assert (size(), size()) == (0, 0)
    wire.ask(m.Stop(4))  # the other page is on another line
    assert size() == m.FLUSH_BYTES
    wire.ask(m.Stop(5), client="slow")
    assert size() == 0
    wire.ask(m.Hello(6), client="slow")
    assert size() == m.FLUSH_BYTES


def test_a_run_beside_the_one_on_show_is_answered(wire):
    wire.source.beside = [2]
    wire.ask(tiles(1, run=2))
    reply = wire.next()
    assert (reply["kind"], reply["run"]) == ("ok", 2)


def test_a_wish_is_taken_at_once_or_refused_with_a_sentence(wire):
    wire.ask(m.TryFix(1, 0, "1.2", "patch"))
    assert wire.next()["body"] == {"kind": "done"}
    assert [wish.part for wish in wire.source.wished] == ["1.2"]
    wire.ask(m.AddCase(2, "blue dog", "seven"))
    reply = wire.next()
    assert (reply["reason"], reply["message"]) == ("busy", "another fix is being tried")
