"""Whether a model does a task: known models, and what is refused."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest
import torch
from transformer_lens.model_bridge import TransformerBridge

import circuit_widgets as cw
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.doing import require_task
from circuit_widgets.statistics.intervals import share_interval
from tests import circuits, tiny


@pytest.fixture(scope="module")
def planted() -> TransformerBridge:
    return circuits.build(circuits.Circuit(2, 2, previous=(0, 1), induction=(1, 0)))


@pytest.mark.parametrize("metric", ["loss", "kl", "logit_difference", "probability_difference"])
def test_a_planted_induction_circuit_does_its_task(planted: TransformerBridge, metric: str) -> None:
    task = cw.Task.repeated_tokens(planted, n=6, length=5, metric=metric)
    check = cw.check_task(planted, task, batch=4)
    assert check.done and check.failures == ()
    assert (float(check.accuracy.value), float(check.likeliest.value)) == (1, 1)
    # Corrupt, the right answer was never seen.
    assert float(check.accuracy.control) < 0.5
    logits = planted(task.clean).detach()
    direct = task.score(logits, clean_logits=logits).mean()
    assert float(check.score.value) == pytest.approx(float(direct), abs=1e-5)
    difference = float(check.score.value) - float(check.score.control)
    assert float(check.difference.value) == pytest.approx(difference, abs=1e-5)
    assert "does the task 'repeated_tokens' (6 prompts" in str(check)
    assert check.to_frame()["measure"].tolist() == ["score", "difference", "accuracy", "likeliest"]


def test_an_untrained_model_fails_and_analyses_refuse_it() -> None:
    model = tiny.make("gpt2")
    task = cw.Task.repeated_tokens(model, n=6, length=5)
    with pytest.raises(cw.TaskFailed, match=r"does not do the task 'repeated_tokens': the right"):
        require_task(model, task)
    check = require_task(model, task, allow_failure=True)
    assert not check.done
    assert "does not do the task" in str(check) and "It fails: the right answer wins" in str(check)


def test_one_prompt_says_nothing(planted: TransformerBridge) -> None:
    with pytest.raises(cw.TaskFailed, match="one prompt, of which there is no interval"):
        require_task(planted, cw.Task.repeated_tokens(planted, n=1, length=5))


def test_a_score_that_is_constant_or_no_number_is_refused(planted: TransformerBridge) -> None:
    # A uniform head at position 0 alone: the model reads nothing of what is corrupted.
    task = cw.Task.from_pairs(planted, [[1, 2, 3]] * 2, [[1, 2, 4]] * 2, [5, 6], [7, 8], position=1)
    with pytest.raises(ValueError, match="the same on every clean prompt and its corrupt one"):
        cw.check_task(planted, task)
    broken = tiny.make("gpt2")
    with torch.no_grad():
        next(iter(broken.parameters())).fill_(float("nan"))
    task = cw.Task.repeated_tokens(broken, n=2, length=5)
    with pytest.raises(ValueError, match="not finite on the clean prompt of rows 0 and 1"):
        require_task(broken, task, allow_failure=True)


def test_a_task_of_another_model_is_refused(planted: TransformerBridge) -> None:
    foreign: list[tuple[Any, str]] = [
        (cw.Task.from_pairs(cw.load_model(), [[0, 200]], [[0, 201]], [99]), "has token 201"),
        (
            cw.Task.from_pairs(cw.load_model(), [[1] * 25], [[2] * 25], [3]),
            "prompts have 25 tokens, and the model's context is 24",
        ),
    ]
    for task, sentence in foreign:
        with pytest.raises(ValueError, match=sentence):
            cw.check_task(planted, task)
    with pytest.raises(TypeError, match="the task is 'ioi'; accepted is a Task"):
        cw.check_task(planted, "ioi")  # type: ignore[arg-type]


def test_dropout_is_off_while_a_task_is_checked() -> None:
    model = tiny.make("gpt2")
    model.train()
    task = cw.Task.repeated_tokens(model, n=2, length=5)
    one, other = (cw.check_task(model, task).score.value for _ in range(2))
    assert float(one) == float(other) and model.training


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    # Newcombe 1998, Statistics in Medicine 17, table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_of_a_share_is_wilsons(k: int, n: int, low: float, high: float) -> None:
    samples = (torch.arange(n) < k).float()
    ends = [float(end) for end in share_interval(samples, 0.95)[1:]]
    assert ends == pytest.approx([low, high], abs=1e-4)


@pytest.mark.parametrize("name", ["clean", "corrupt", "right", "wrong"])
def test_an_id_that_the_model_does_not_have_is_refused(
    planted: TransformerBridge, name: str
) -> None:
    task = cw.Task.from_pairs(planted, [[1, 2, 3]] * 2, [[1, 2, 4]] * 2, [5, 6], [7, 8])
    ids = getattr(task, name).clone()
    ids.view(-1)[0] = 9999
    with pytest.raises(ValueError, match="the task has token 9999, and this model's vocabulary"):
        cw.check_task(planted, dataclasses.replace(task, **{name: ids}))


@pytest.mark.parametrize(
    ("value", "low", "high", "words"),
    [
        (-8.39, -13.5, -3.31, r"is lower on .* is -8.39 \[-13.5, -3.31\]$"),
        (-1.0, -3.0, 1.0, r"is lower on .* is -1 \[-3, 1\], which may be nothing$"),
        (1.0, -1.0, 3.0, r"is higher on .* is 1 \[-1, 3\], which may be nothing$"),
    ],
)
def test_a_difference_is_said_by_its_sign(
    planted: TransformerBridge, value: float, low: float, high: float, words: str
) -> None:
    check = cw.check_task(planted, cw.Task.repeated_tokens(planted, n=6, length=5))
    ends = (torch.tensor(number) for number in (value, low, high))
    difference = Score(**dict(zip(("value", "low", "high"), ends, strict=True)))
    (failure,) = dataclasses.replace(check, difference=difference).failures
    assert re.search(words, failure)
