"""Whatever a page sends is answered or ignored, and the channel lives."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from circuit_widgets.wire import messages as m
from tests.wire.test_channel import JSON, LIVES, VALID, lives, wire

# Fixtures are found by their names.
__all__ = ["wire"]


@settings(max_examples=150, **LIVES)
@given(content=JSON, buffers=st.lists(st.binary(max_size=4), max_size=2))
def test_any_json_is_answered_or_ignored(wire, content, buffers):
    wire.channel.receive(content, buffers)
    assert lives(wire)


@settings(max_examples=150, **LIVES)
@given(
    base=st.sampled_from(VALID),
    field=st.sampled_from(
        ["kind", "id", "run", "heads", "head", "window", "side", "text", "key", "new"]
    ),
    value=JSON | st.just(10**30) | st.just("x" * 1_000_001),
)
def test_a_damaged_request_is_answered_or_ignored(wire, base, field, value):
    wire.channel.receive({"client": "a", "requests": [{**base, field: value}]})
    assert lives(wire)


@settings(max_examples=60, **LIVES)
@given(
    order=st.permutations(range(len(VALID))),
    repeats=st.lists(st.integers(0, len(VALID) - 1), max_size=10),
    run=st.integers(0, 2),
)
def test_reordered_repeated_and_stale_messages(wire, order, repeats, run):
    client = f"c{wire.fresh()}"
    for at in [*order, *repeats]:
        request = dict(VALID[at])
        if "run" in request:
            request["run"] = run
        wire.channel.receive({"client": client, "requests": [request]})
    # Each id once, whatever the order and however often it came.
    answered = [wire.next()["id"] for _ in VALID]
    assert sorted(answered) == [request["id"] for request in VALID]
    assert lives(wire)


def test_too_much_in_one_message_is_an_error(wire):
    many = [{"kind": "hello", "id": id} for id in range(1, m.MAX_REQUESTS + 2)]
    wire.channel.receive({"client": "a", "requests": many})
    reply = wire.next()
    assert (reply["id"], reply["reason"]) == (0, "invalid")
    nested: object = 1
    for _ in range(5000):
        nested = [nested]
    wire.channel.receive({"client": "a", "requests": nested})
    assert wire.next()["reason"] == "invalid"
    assert lives(wire)
