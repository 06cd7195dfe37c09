"""Models and checkpoints that an executor measures: as here, as they finish, with what failed."""

from __future__ import annotations

import concurrent.futures
import functools
import threading
from pathlib import Path
from typing import Any

import pytest

import circuit_widgets as cw
from circuit_widgets.results.comparing import same

TASK = functools.partial(cw.Task.repeated_tokens, n=8, length=8)
QUICK: dict[str, Any] = {"draws": 20, "length": 8, "n_sequences": 4, "progress": False}
STEPS: dict[int, Any] = {step: cw.Load("toy-induction", step=step) for step in (0, 1000, 2500)}


def test_checkpoints_come_to_the_same_in_any_order_and_one_that_fails_is_said(
    tmp_path: Path,
) -> None:
    given = {**STEPS, 9999: cw.Load("toy-induction", step=9999)}
    late = threading.Event()

    def task(model: Any) -> cw.Task:
        # The first checkpoint waits for the others.
        if bool((model.W_E == first.W_E).all()):
            assert late.wait(60)
        return TASK(model)

    first, results = STEPS[0].load(), []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for one in cw.analyze_training_stability.steps(given, task, executor=pool, **QUICK):
            if isinstance(one, cw.TrainingStability):
                results.append(one)
                if one.provenance.n_done == 2:
                    late.set()
    early, found = results[1], results[-1]
    here = cw.analyze_training_stability(STEPS, TASK, **QUICK)
    assert early.done == (None, False, True, None) or early.done == (None, True, True, None)
    assert bool(early.loss.value[0].isnan()) and not bool(early.loss.value[2].isnan())
    assert bool(early.picture_scale[[0, 3]].isnan().all())
    assert found.steps == (0, 1000, 2500) and (found.kept == here.kept).all()
    assert same(found.loss, here.loss) and found.phases == here.phases
    assert same(found.faithfulness, here.faithfulness)
    assert not found.provenance.complete
    said = "partial: 3 of 4 checkpoints; failed: step 9999: ValueError: "
    assert said in repr(found) and "9999" in found.provenance.failed[0]
    found.save(tmp_path / "training.safetensors")
    assert cw.load(tmp_path / "training.safetensors") == found


def test_models_come_to_the_same_and_one_that_fails_the_task_is_left_out() -> None:
    two = {"a": STEPS[2500], "b": cw.Load("toy-induction", seed=1)}
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        given = {"untrained": STEPS[0], **two}
        view = cw.analyze_cross_model_stability.stream(given, TASK, executor=pool, **QUICK)
        assert view.wait(120)
    found, here = view.result, cw.analyze_cross_model_stability(two, TASK, **QUICK)
    assert found.models == ("a", "b") and same(found.overlap, here.overlap)
    assert same(found.transfer, here.transfer)
    assert found.provenance.failed[0].startswith("untrained: TaskFailed: untrained does not do")
    assert view.status["message"].startswith("partial: 2 of 3 models; failed: untrained")


def test_where_too_few_are_left_it_says_why() -> None:
    given = {"a": STEPS[2500], "b": cw.Load("toy-induction", step=7)}
    words = r"fewer than 2 models .*b: ValueError: .*step 7"
    with (
        concurrent.futures.ThreadPoolExecutor(1) as pool,
        pytest.raises(ValueError, match=words),
    ):
        cw.analyze_cross_model_stability(given, TASK, executor=pool, **QUICK)
    with pytest.raises(TypeError, match="accepted is one of concurrent"):
        cw.analyze_training_stability(STEPS, TASK, executor=3, **QUICK)  # type: ignore[arg-type]
