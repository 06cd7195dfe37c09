"""Many items on executors: here, threads, processes, a Dask cluster; what fails, what is lost."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import multiprocessing
import os
import signal
import threading
from typing import Any, cast

import pytest

import circuit_widgets as cw
from circuit_widgets.results.comparing import same as alike

STEPS = {f"step {step}": cw.Load("toy-induction", step=step) for step in (0, 480, 2500)}
QUICK = {"n_sequences": 2, "length": 8, "ablation": 0, "copying": False, "pairs": False}


@pytest.fixture(scope="module")
def here() -> cw.Sweep:
    return cw.sweep(cw.identify_induction_heads, STEPS, **QUICK, progress=False)


def test_items_are_models_with_variations() -> None:
    seeds = {"seed 0": {"seed": 0}, "seed 1": {"seed": 1}}
    two = {name: STEPS[name] for name in ("step 0", "step 2500")}
    swept = cw.sweep(cw.identify_induction_heads, two, seeds, **QUICK, progress=False)
    assert list(swept) == [
        f"{step}, {seed}" for step in ("step 0", "step 2500") for seed in ("seed 0", "seed 1")
    ]
    assert swept["step 2500, seed 0"] != swept["step 2500, seed 1"]
    frame = swept.to_frame()
    assert list(frame.columns[:1]) == ["item"] and set(frame["item"]) == set(swept)


def test_threads_come_to_the_same(here) -> None:
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        swept = cw.sweep(cw.identify_induction_heads, STEPS, executor=pool, **QUICK, progress=False)
    assert list(swept) == list(here) and all(swept[name] == here[name] for name in here)


def test_a_failing_item_is_reported_and_the_others_arrive() -> None:
    models = {"good": "toy-induction", "bad": cw.Load("toy-induction", step=7)}
    swept = cw.sweep(cw.identify_induction_heads, models, **QUICK, progress=False)
    assert list(swept) == ["good"] and swept.failures["bad"].kind == "ValueError"
    with pytest.raises(KeyError, match="no checkpoint at step 7"):
        swept["bad"]
    assert "bad failed: ValueError" in repr(swept)


def test_items_fill_in_a_view_as_they_finish(here) -> None:
    models = {"good": STEPS["step 2500"], "bad": cw.Load("toy-induction", step=7)}
    view = cw.sweep.stream(cw.identify_induction_heads, models, **QUICK)
    assert view.wait(60)
    assert list(view.sweep) == ["good"] and view.sweep["good"] == here["step 2500"]
    said = {name: label.value for name, label in view._said.items()}
    assert said["bad"].startswith("failed: ValueError: ") and "step 7" in said["bad"]
    assert said["good"].startswith("InductionHeads of toy-induction")
    assert view._status.value == "identify_induction_heads: 2 of 2 items, 1 failed; done"
    view.show("good")
    first = view.opened
    view.show("good")
    assert first.comm is None and view.opened is not first
    with pytest.raises(KeyError, match="no checkpoint at step 7"):
        view.show("bad")
    view.close()
    with pytest.raises(TypeError, match="accepted is a function of this package"):
        cw.sweep.stream(len, models)


@pytest.mark.parametrize("pool", [None, concurrent.futures.ThreadPoolExecutor])
def test_a_streamed_sweep_can_be_stopped(pool: Any) -> None:
    begun, go = threading.Event(), threading.Event()

    def load(name: str) -> Any:
        begun.set()
        go.wait(30)
        return cw.load_model(name)

    class Slow(cw.Load):
        def load(self) -> Any:
            return load(self.name)

    with contextlib.ExitStack() as stack:
        executor = stack.enter_context(pool(1)) if pool else None
        models = {"one": Slow("toy-induction"), "two": Slow("toy-induction")}
        view = cw.sweep.stream(cw.identify_induction_heads, models, executor=executor, **QUICK)
        assert begun.wait(30)
        view.stop()
        if pool is None:
            go.set()
        assert view.wait(30)
        go.set()
    assert view.sweep.missing == ("one", "two")
    assert view._status.value.endswith("0 of 2 items; stopped")
    assert {label.value for label in view._said.values()} == {"was not reached"}


def test_a_task_is_made_for_each_model() -> None:
    task = functools.partial(cw.Task.repeated_tokens, n=4, length=6)
    arguments = {"held_out": False, "random": 0, "check": 0, "minimality": False}
    swept = cw.sweep(
        cw.extract_circuit, {"toy": "toy-induction"}, task=task, **arguments, progress=False
    )
    assert swept.failures == {} and isinstance(toy := swept["toy"], cw.Circuit)
    assert toy.n_found == 4


def test_bad_input_is_a_sentence() -> None:
    with pytest.raises(TypeError, match="accepted is a function of this package"):
        cw.sweep(len, "toy-induction")
    with pytest.raises(ValueError, match="nothing to sweep over"):
        cw.sweep(cw.identify_induction_heads, {})
    with pytest.raises(TypeError, match="accepted are arguments by their names"):
        cw.sweep(cw.identify_induction_heads, "toy-induction", cast("Any", {"a": 3}))


def test_an_interrupted_sweep_gives_back_what_is_there(monkeypatch) -> None:
    from circuit_widgets import sweeps

    real, runs = sweeps._run, []

    def interrupted(*call):
        runs.append(call)
        if len(runs) == 2:
            raise KeyboardInterrupt
        return real(*call)

    monkeypatch.setattr(sweeps, "_run", interrupted)
    swept = cw.sweep(cw.identify_induction_heads, STEPS, **QUICK, progress=False)
    assert list(swept) == ["step 0"] and swept.missing == ("step 480", "step 2500")


def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_dies_takes_no_result_with_it() -> None:
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        pool.submit(_die)
        swept = cw.sweep(cw.identify_induction_heads, STEPS, executor=pool, **QUICK, progress=False)
    assert {failure.kind for failure in swept.failures.values()} == {"BrokenProcessPool"}
    assert not swept.missing


def test_a_cluster_comes_to_the_same_though_a_worker_is_killed(here) -> None:
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster, distributed.Client(cluster) as client:
        workers = client.run(os.getpid)
        swept, killed = {}, False
        steps = cw.sweep_items(
            cw.identify_induction_heads,
            STEPS,
            executor=client.get_executor(retries=2),
            **QUICK,
        )
        for name, outcome in steps:
            swept[name] = outcome
            if not killed:
                os.kill(next(iter(workers.values())), signal.SIGKILL)
                killed = True
        two = {step: STEPS[f"step {step}"] for step in (480, 2500)}
        task = functools.partial(cw.Task.repeated_tokens, n=4, length=6)
        few: dict[str, Any] = {"draws": 20, "n_sequences": 2, "length": 6, "progress": False}
        # Workers make the circuits of checkpoints, one of which is not there.
        training = cw.analyze_training_stability(
            {**two, 7777: cw.Load("toy-induction", step=7777)},
            task,
            executor=client.get_executor(retries=2),
            **few,
        )
    assert set(swept) == set(here) and all(swept[name] == here[name] for name in here)
    same = cw.analyze_training_stability(two, task, **few)
    assert alike(training.score, same.score) and alike(training.roles, same.roles)
    assert training.steps == (480, 2500) and "step 7777: ValueError" in repr(training)


def test_what_no_item_could_do_is_refused_at_once() -> None:
    name, task = "toy-induction", functools.partial(cw.Task.repeated_tokens, n=4)
    with pytest.raises(TypeError, match=r"the executor is 'dask'; accepted is one of concurrent"):
        cw.sweep(cw.extract_circuit, name, executor=cast("Any", "dask"), task=task)
    with pytest.raises(TypeError, match=r"models is \['toy-induction'.*accepted are a name"):
        cw.sweep(cw.extract_circuit, [name] * 2, task=task)
    with pytest.raises(TypeError, match="extract_circuit lacks 'task'"):
        cw.sweep(cw.extract_circuit, name)
    model = cw.load_model()
    pool = concurrent.futures.ProcessPoolExecutor(1)
    with pool, pytest.raises(TypeError, match="cannot be sent to another process; accepted"):
        cw.sweep(cw.extract_circuit, model, executor=pool, task=task)
    for models, words in (
        ({1: model, "1": model}, "models are named 1, '1'; accepted are names that differ"),
        ({"a": model, "b": None}, "the model 'b' is None; accepted is a name"),
    ):
        with pytest.raises((TypeError, ValueError), match=words):
            cw.analyze_cross_model_stability(cast("Any", models), task, progress=False)
