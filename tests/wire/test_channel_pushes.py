"""Pushes: one is on its way, the latest waits, and nothing older overrides what is newer."""

from __future__ import annotations

from circuit_widgets.wire import messages as m
from circuit_widgets.wire import pusher
from circuit_widgets.wire.blocks import BlockTopic
from circuit_widgets.wire.pusher import SCORES, Shown
from tests.wire.test_channel import IDLE, WAIT, cells, iter_now, tiles, wire

# Fixtures are found by their names.
__all__ = ["wire"]


def test_one_push_is_on_its_way_and_the_latest_waits(wire):
    for done in range(5):
        wire.channel.push(Shown(done, m.Status("running", "", done, 5)))
    first = wire.next()
    assert first["status"]["done"] == 0
    assert wire.nothing()
    wire.ask(m.Ack(1, first["seq"] + 7))  # made up
    assert wire.nothing()
    wire.ask(m.Ack(2, first["seq"]))
    assert wire.next()["status"]["done"] == 4
    assert wire.nothing()


def test_what_waits_is_the_latest_of_each_part(wire):
    """One buffer a push, before: a topic's bytes were dropped whenever there were scores."""
    scores, topic = m.ScoresInfo(0, []), BlockTopic("t", {}, [])
    wire.channel.push(Shown(1, IDLE))
    wire.channel.push(Shown(2, IDLE, scores, topic, {SCORES: b"old", "pairs": b"pp"}))
    wire.channel.push(Shown(3, m.Status("running", "", 1, 2), scores, None, {SCORES: b"new"}))
    first = wire.sent.get(timeout=WAIT)[0]
    wire.ask(m.Ack(1, first["seq"]))
    push, buffers = wire.sent.get(timeout=WAIT)
    assert push["version"] == 3 and push["status"]["done"] == 1
    assert push["topic"]["kind"] == "t" and push["buffers"] == ["pairs", "scores"]
    assert buffers[0] == b"pp" and buffers[1].startswith(b"new")


def test_what_waits_and_is_older_than_the_traits_is_dropped(wire):
    for version in (1, 2):
        wire.channel.push(Shown(version, IDLE))
    first = wire.next()
    wire.channel.drop_push(3)
    wire.ask(m.Ack(1, first["seq"]))
    assert wire.nothing()


def test_a_page_that_was_closed_does_not_hold_pushes_up(wire, monkeypatch):
    monkeypatch.setattr(pusher, "CREDIT_SECONDS", 0.05)
    wire.channel.push(Shown(1, IDLE))
    wire.channel.push(Shown(2, m.Status("partial", "later", 0, 0)))
    assert wire.next()["status"]["state"] == "idle"
    assert wire.next()["status"]["message"] == "later"


def test_a_closed_channel_forgets(wire):
    wire.source.gate.clear()
    wire.ask(cells(1), cells(2))
    wire.channel.close()
    wire.source.gate.set()
    wire.ask(tiles(3))
    busy = [reply for reply in iter_now(wire.sent) if reply["kind"] == "error"]
    assert all(reply["reason"] == "busy" for reply in busy)
