"""The decorator and the job: one function, called or streamed, stopped, failing."""

from __future__ import annotations

import dataclasses
import inspect
import sys
import threading
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from circuit_widgets.analysis.induction.identify import identify_induction_heads
from circuit_widgets.analysis.induction.results import InductionHeads
from circuit_widgets.capture.stopping import check_stop, current_stop
from circuit_widgets.jobs.analysis import analysis


def at(whole: InductionHeads, n: int, of: int) -> InductionHeads:
    return dataclasses.replace(
        whole, provenance=dataclasses.replace(whole.provenance, n_done=n, n_total=of)
    )


def counting(whole: InductionHeads, of: int, gate: threading.Semaphore | None = None) -> Iterator:
    for n in range(1, of + 1):
        if gate is not None:
            gate.acquire()
        check_stop()
        yield at(whole, n, of)


def test_the_signature_and_the_words_stay() -> None:
    signature = inspect.signature(identify_induction_heads)
    assert list(signature.parameters)[:3] == ["model", "n_sequences", "length"]
    assert signature.parameters["n_sequences"].default == 16
    assert inspect.signature(identify_induction_heads.stream).parameters == signature.parameters
    assert identify_induction_heads.__name__ == "identify_induction_heads"
    assert "Olsson" in (identify_induction_heads.__doc__ or "")
    assert identify_induction_heads.topic == "induction"
    assert inspect.isfunction(identify_induction_heads.__wrapped__)


def test_what_is_not_an_analysis_is_refused() -> None:
    with pytest.raises(TypeError, match="not be a generator"):

        @analysis("induction")
        def generator(model, *, progress: bool = True) -> Iterator[InductionHeads]:
            yield from ()

    with pytest.raises(TypeError, match="progress"):

        @analysis("induction")
        def silent(model) -> Iterator[InductionHeads]:
            return iter(())


def test_a_wrong_call_is_a_sentence(model) -> None:
    with pytest.raises(TypeError, match=r"'sead'\. Did you mean 'seed'\? It takes model, n_seq"):
        identify_induction_heads.stream(model, sead=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="identify_induction_heads: missing a required argument"):
        identify_induction_heads()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="too many positional"):
        identify_induction_heads(model, 3)  # type: ignore[call-arg]
    with pytest.raises((TypeError, ValueError)):
        identify_induction_heads("gpt2")  # type: ignore[arg-type]


def test_progress_bar(model, capsys: pytest.CaptureFixture[str]) -> None:
    identify_induction_heads(model, n_sequences=3, length=5)
    assert "identify_induction_heads" in capsys.readouterr().err
    identify_induction_heads(model, n_sequences=3, length=5, progress=False)
    assert capsys.readouterr().err == ""


class Asked(threading.Event):
    """A request to stop that counts how often a pass looks at it, and does what it is told then."""

    def __init__(self, then: Callable[[int], object]) -> None:
        super().__init__()
        self.looks, self._then = 0, then

    def is_set(self) -> bool:
        self.looks += 1
        self._then(self.looks)
        return super().is_set()


@contextmanager
def asked(then: Callable[[int], object]) -> Iterator[Asked]:
    event = Asked(then)
    token = current_stop.set(event)
    try:
        yield event
    finally:
        current_stop.reset(token)


def interrupt(at: int) -> Callable[[int], None]:
    def then(looks: int) -> None:
        if looks == at:
            raise KeyboardInterrupt

    return then


def test_an_interrupt_leaves_no_hooks(model) -> None:
    modules = list(model.modules())
    training = [module.training for module in modules]
    # The first look is before the pass, the second after its first layer.
    with asked(interrupt(2)) as stop, pytest.raises(KeyboardInterrupt):
        identify_induction_heads(model, n_sequences=3, length=5, progress=False)
    assert stop.looks == 2
    assert [module.training for module in modules] == training
    # The lock is free and nothing of the interrupted pass is left on the model.
    identify_induction_heads(model, n_sequences=1, length=5, progress=False)


def test_an_interrupt_midway_gives_what_is_done(model) -> None:
    third_pass = 2 * (1 + model.cfg.n_layers) + 2
    with (
        asked(interrupt(third_pass)),
        pytest.warns(RuntimeWarning, match=r"interrupted; this is partial: 3 of 5 sequences"),
    ):
        result = identify_induction_heads(model, n_sequences=5, batch=2, length=5, progress=False)
    assert result.provenance.n_done == 3 and not result.provenance.complete
    assert "partial: 3 of 5" in repr(result)
    assert not any(point.has_hooks() for point in model.hook_dict.values())


def test_stream_hands_a_checked_job_to_the_view(model, monkeypatch: pytest.MonkeyPatch) -> None:
    view = types.ModuleType("circuit_widgets.views.induction")
    view.stream = lambda job: ("view", job)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "circuit_widgets.views.induction", view)
    name, job = identify_induction_heads.stream(model, n_sequences=2, length=5)
    assert name == "view" and job.state == "ready"
    with pytest.raises(ValueError, match="n_sequences is -1"):
        identify_induction_heads.stream(model, n_sequences=-1)
