"""The job: told, stopped, failing, and over."""

from __future__ import annotations

import gc
import logging
import threading
import weakref
from collections.abc import Iterator

import pytest
import torch

from circuit_widgets import capture
from circuit_widgets.analysis.induction.identify import identify_induction_heads
from circuit_widgets.analysis.induction.results import InductionHeads
from circuit_widgets.capture.stopping import Stopped, check_stop
from circuit_widgets.jobs.analysis import _stamped
from circuit_widgets.jobs.job import Job
from tests.circuits import build
from tests.jobs.conftest import SMALL
from tests.jobs.test_analysis import Asked, at, counting


def test_a_job_tells_each_result_and_then_the_end(whole: InductionHeads) -> None:
    job = Job(counting(whole, 3), "test")
    heard, ended = [], []
    job.on_result(lambda result, done, total: heard.append((done, total)))
    job.on_end(lambda job: ended.append(job.state))
    assert job.state == "ready" and job.result is None
    job.start()
    assert job.wait(10) and job.state == "done"
    assert heard == [(1, 3), (2, 3), (3, 3)]
    assert ended == ["done"]
    assert job.result is not None and job.result.provenance.complete
    job.on_end(lambda job: ended.append("late"))
    assert ended == ["done", "late"]
    with pytest.raises(RuntimeError, match="started once"):
        job.start()


def test_stop_keeps_what_is_done(whole: InductionHeads) -> None:
    gate = threading.Semaphore(2)
    job = Job(counting(whole, 5, gate), "test")
    two = threading.Event()
    job.on_result(lambda result, done, total: done == 2 and two.set())
    job.start()
    assert two.wait(10) and not job.wait(0)
    assert job.state == "running"
    job.stop()
    gate.release()
    assert job.wait(10) and job.state == "stopped" and job.error is None
    assert job.result is not None
    assert not job.result.provenance.complete
    assert "partial: 2 of 5 sequences" in repr(job.result)
    job.stop()  # nothing more happens


def test_stop_ends_inside_a_forward_pass(model) -> None:
    # Before the first pass, after its layers, after its progress and its result; then the second
    # pass, before it and after its first layer.
    second_pass = 1 + model.cfg.n_layers + 2 + 2
    job = identify_induction_heads.job(model, n_sequences=9, length=5)
    stop = job._stop = Asked(lambda looks: looks == second_pass and job.stop())
    job.start()
    assert job.wait(30) and job.state == "stopped"
    assert stop.looks == second_pass
    assert job.result is not None and job.result.provenance.n_done == 1
    with capture.lock(model):
        identify_induction_heads(model, n_sequences=1, length=5, progress=False)


def test_who_listens_may_run_the_model_after_a_stop(model) -> None:
    job = identify_induction_heads.job(model, n_sequences=9, length=5)
    read = []
    job.on_result(lambda *_: job.stop())
    job.on_end(lambda _: read.append(capture.run(model, torch.tensor([[1, 2, 3]]))))
    job.start()
    assert job.wait(30) and job.state == "stopped"
    assert len(read) == 1


def test_stop_before_start(whole: InductionHeads) -> None:
    job = Job(counting(whole, 3), "test")
    job.stop()
    assert job.state == "stopped" and job.wait(0)
    with pytest.raises(RuntimeError, match="stopped"):
        job.start()


def test_a_stop_after_the_last_result_is_not_a_stop(whole: InductionHeads) -> None:
    job = Job(counting(whole, 1), "test")
    job.on_result(lambda *_: job.stop())
    job.start()
    assert job.wait(10) and job.state == "done"


def test_a_failure_is_kept_with_what_is_done(whole: InductionHeads) -> None:
    def failing() -> Iterator[InductionHeads]:
        yield at(whole, 1, 2)
        raise ValueError("broken")

    job = Job(failing(), "test")
    job.start()
    assert job.wait(10) and job.state == "failed"
    assert str(job.error) == "broken"
    assert job.result is not None


def test_a_broken_callback_does_not_end_the_job(
    whole: InductionHeads, caplog: pytest.LogCaptureFixture
) -> None:
    job = Job(counting(whole, 2), "test")
    heard = []

    def broken(*_: object) -> None:
        raise RuntimeError("the view is gone")

    job.on_result(broken)
    job.on_result(lambda result, done, total: heard.append(done))
    with caplog.at_level(logging.ERROR, logger="circuit_widgets"):
        job.start()
        assert job.wait(10)
    assert job.state == "done" and heard == [1, 2]
    assert "the view is gone" in caplog.text


def test_waiting_in_a_callback_is_an_error_not_a_hang(whole: InductionHeads) -> None:
    job = Job(counting(whole, 1), "test")
    errors = []

    def wait(*_: object) -> None:
        try:
            job.wait()
        except RuntimeError as error:
            errors.append(str(error))

    job.on_result(wait)
    job.start()
    assert job.wait(10)
    assert errors and "cannot wait for itself" in errors[0]


def test_other_threads_get_the_lock_between_passes(model) -> None:
    """Someone who clicks waits for one pass, not for the whole analysis."""
    job = identify_induction_heads.job(model, n_sequences=400, length=5, batch=1)
    first, done = threading.Event(), []
    job.on_result(lambda result, n, total: (done.append(n), first.set()))
    job.start()
    assert first.wait(30)
    with capture.lock(model):
        assert job.state == "running"
    job.stop()
    assert job.wait(30) and job.state == "stopped"
    assert done[-1] < 400


def test_a_job_that_is_over_lets_go_of_the_model() -> None:
    model = build(SMALL)
    job = identify_induction_heads.job(model, n_sequences=2, length=5)
    job.start()
    assert job.wait(30)
    assert job.result is not None and job.result.model() is model
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
    assert job.result.model() is None


def test_check_stop_without_a_job_does_nothing() -> None:
    check_stop()
    assert issubclass(Stopped, BaseException) and not issubclass(Stopped, Exception)


def test_the_analysis_runs_in_evaluation_mode_without_gradients(model) -> None:
    seen = []

    def results() -> Iterator[int]:
        seen.append((model.training, torch.is_grad_enabled()))
        yield 1

    model.train()
    with pytest.raises(AttributeError), torch.enable_grad():  # an int is no result
        next(_stamped(model, results()))  # type: ignore[arg-type]
    assert seen == [(False, False)]
    assert model.training
