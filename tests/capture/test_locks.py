"""One lock a model: re-entrant, fair, gone with the model."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from circuit_widgets import capture
from circuit_widgets.capture import locks
from tests import tiny


def test_the_lock_may_be_taken_again_and_keeps_others_out(native) -> None:
    other = tiny.native()
    got: list[str] = []

    def take(model, name: str) -> None:
        with capture.lock(model):
            got.append(name)

    with capture.lock(native), capture.lock(native):
        thread = threading.Thread(target=take, args=(native, "same"))
        thread.start()
        elsewhere = threading.Thread(target=take, args=(other, "other"))
        elsewhere.start()
        elsewhere.join(10)
        assert got == ["other"]
        capture.run(native, tiny.ids(4))
    thread.join(10)
    assert got == ["other", "same"]


def test_it_is_free_after_an_error(native) -> None:
    with pytest.raises(KeyboardInterrupt), capture.lock(native):
        raise KeyboardInterrupt
    thread = threading.Thread(target=capture.run, args=(native, tiny.ids(4)))
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


def test_who_waits_comes_before_who_had_it_last(native) -> None:
    order: list[str] = []

    def wait() -> None:
        with capture.lock(native):
            order.append("waited")

    thread = threading.Thread(target=wait)
    with capture.lock(native):
        thread.start()
        while not locks._gates[native].next.locked():
            pass
    with capture.lock(native):
        order.append("again")
    thread.join(10)
    assert order == ["waited", "again"]


def test_the_lock_does_not_keep_the_model() -> None:
    model = tiny.native()
    with capture.lock(model):
        capture.run(model, tiny.ids(4), [capture.BlockInputs()])
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
