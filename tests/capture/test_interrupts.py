"""Ctrl-C at any moment of putting hooks on and taking them off."""

from __future__ import annotations

import dis
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from types import CodeType

import pytest
import torch

from circuit_widgets import capture
from tests import tiny

FILES = {
    sys.modules[f"circuit_widgets.capture.{name}"].__file__
    for name in ("hooks", "inputs", "locks", "run")
}
WAIT = 30  # seconds until what hangs fails


@pytest.fixture(autouse=True)
def ctrl_c_is_python_s():
    """A shell starts what it puts in the background with SIGINT ignored, and Python keeps that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@cache
def moments(code: CodeType) -> frozenset[int]:
    """Where Python looks for signals: after calls, at the start of functions, in loops."""
    found, before = set(), ""
    for instruction in dis.get_instructions(code):
        if before.startswith(("CALL", "RESUME", "JUMP")):
            found.add(instruction.offset)
        if instruction.opname != "CACHE":
            before = instruction.opname
    return frozenset(found)


def interrupted(action: Callable[[], object], at: int | None) -> int:
    """Interrupt an action at its n-th moment; returns how many there were until then.

    In a thread of its own: an error that a trace function raises can leave the interpreter's notion
    of the error being handled behind, which belongs to the thread.
    """
    count = 0

    def trace(frame, event, _):
        nonlocal count
        if frame.f_code.co_filename not in FILES:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode" and frame.f_lasti in moments(frame.f_code):
            count += 1
            if count == at:
                raise KeyboardInterrupt
        return trace

    def work() -> bool:
        sys.settrace(trace)
        try:
            action()
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(None)
        return torch.is_grad_enabled()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(work).result(WAIT), "gradients are still off"
    return count


@pytest.mark.parametrize("what", ["run", "replay"])
def test_one_interrupt_anywhere_has_no_effect_on_what_follows(what: str) -> None:
    model = tiny.native(n_layers=1)
    ids, keep, kept = tiny.ids(4, batch=2), capture.Keep("pattern"), capture.BlockInputs()
    edits = [capture.scale("0.1", 0.0)]
    plain = capture.run(model, ids)
    edited = capture.run(model, ids, [kept], edits)
    assert plain is not None and edited is not None and not torch.equal(plain, edited)

    def action() -> object:
        if what == "replay":
            return capture.replay_pattern(model, kept, 0)
        return capture.run(model, ids, [keep, capture.BlockInputs()], edits)

    n_moments = interrupted(action, None)
    assert n_moments > 30
    for at in range(1, n_moments + 1):
        interrupted(action, at)
        keep.tensors.clear()
        with torch.no_grad():
            assert torch.equal(model(ids), plain), at
        assert keep.tensors == {}, at
        assert not any(point.fwd_hooks for point in model.hook_dict.values()), at
        # Another thread can have the model, and "it is being run" is not said of it.
        answers = []
        thread = threading.Thread(
            target=lambda: answers.append(capture.run(model, ids)),  # noqa: B023
            daemon=True,
        )
        thread.start()
        thread.join(WAIT)
        assert len(answers) == 1 and torch.equal(answers[0], plain), at


def test_a_signal_in_the_middle_of_the_model(native) -> None:
    class Interrupt:
        site = "pattern"

        def see(self, layer: int, tensor: torch.Tensor) -> None:
            signal.raise_signal(signal.SIGINT)

    plain = capture.run(native, tiny.ids(4))
    with pytest.raises(KeyboardInterrupt):
        capture.run(native, tiny.ids(4), [Interrupt(), capture.BlockInputs()])
    assert not any(point.fwd_hooks for point in native.hook_dict.values())
    assert torch.equal(capture.run(native, tiny.ids(4)), plain)


def test_a_signal_while_another_thread_has_the_model(native) -> None:
    """Ctrl-C in a cell that waits for a worker: the worker goes on, and the model is free after."""
    inside, go_on = threading.Event(), threading.Event()

    def work() -> None:
        with capture.lock(native):
            inside.set()
            go_on.wait(WAIT)
            with capture.lock(native):  # still its own
                pass

    worker = threading.Thread(target=work)
    worker.start()
    assert inside.wait(WAIT)
    timer = threading.Timer(0.2, signal.pthread_kill, (threading.get_ident(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        capture.run(native, tiny.ids(4))
    go_on.set()
    worker.join(WAIT)
    assert not worker.is_alive()
    capture.run(native, tiny.ids(4))


def test_the_error_is_the_callers_own(native) -> None:
    """Such as `capture.Stopped`, no `Exception`: the same object, with nothing chained."""

    class Stopped(BaseException):
        pass

    error = Stopped()

    def stop(layer: int) -> None:
        raise error

    with pytest.raises(Stopped) as caught:
        capture.run(native, tiny.ids(4), logits=False, on_layer=stop)
    assert caught.value is error and error.__context__ is None


def test_passes_are_counted_whoever_asked_and_broken_off_or_not(native, llama) -> None:
    kept = capture.BlockInputs()

    def stop(layer: int) -> None:
        raise KeyboardInterrupt

    with capture.counting() as both, capture.counting(native) as one:
        capture.run(native, tiny.ids(4), [kept])
        capture.run(llama, tiny.ids(4), logits=False)
        with pytest.raises(KeyboardInterrupt):
            capture.run(native, tiny.ids(4), on_layer=stop)
        capture.replay_pattern(native, kept, 1)
    capture.run(native, tiny.ids(4))
    assert (both.forwards, both.blocks) == (3, 3 + 3 + 1 + 1)
    assert (one.forwards, one.blocks) == (2, 3 + 1 + 1)
