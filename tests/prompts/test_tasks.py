"""A task's tensors and its numbers: what is refused, what is measured, what comes back."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pandas as pd
import pytest
import torch
from transformer_lens.model_bridge import TransformerBridge

import circuit_widgets as cw
from circuit_widgets.prompts.tasks import METRICS, Task, TaskSettings
from circuit_widgets.results.fields import typed
from tests import tiny


@pytest.fixture(scope="module")
def toy() -> TransformerBridge:
    return cw.load_model()


def hand(**changes: Any) -> Task:
    """Two prompts of three tokens, of a vocabulary of five."""
    given = {
        "name": "hand",
        "clean": torch.tensor([[0, 1, 2], [0, 2, 3]]),
        "corrupt": torch.tensor([[0, 4, 2], [0, 4, 3]]),
        "position": torch.tensor([2, 1]),
        "right": torch.tensor([[1, -1], [2, 3]]),
        "wrong": torch.tensor([4, 4]),
    }
    return Task(**{**given, **changes})


LOGITS = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def by_hand(metric: str) -> list[float]:
    """Each prompt's score as the definition says, with its numbers written out."""
    one, two = LOGITS[0, 2], LOGITS[1, 1]
    p, q = one.softmax(0), two.softmax(0)
    values = {
        "logit_difference": (one[1] - one[4], (two[2] + two[3]) / 2 - two[4]),
        "probability_difference": (p[1] - p[4], q[2] + q[3] - q[4]),
        "loss": (p[1].log(), (q[2] + q[3]).log()),
        "kl": (
            sum(0.2 * (p[i].log() - torch.tensor(0.2).log()) for i in range(5)),
            sum(0.2 * (q[i].log() - torch.tensor(0.2).log()) for i in range(5)),
        ),
    }
    return [float(value) for value in values[metric]]


@pytest.mark.parametrize("metric", METRICS)
def test_a_score_is_its_definition_and_passes_gradients(metric: str) -> None:
    logits = LOGITS.clone().requires_grad_()
    score = hand(metric=metric).score(logits, clean_logits=torch.zeros_like(LOGITS))
    assert score.tolist() == pytest.approx(by_hand(metric), abs=1e-6)
    score.sum().backward()
    assert logits.grad is not None
    # Each prompt is read at its own position, and nowhere else.
    assert [sorted(set(at.nonzero()[:, 0].tolist())) for at in logits.grad] == [[2], [1]]
    numeric = torch.autograd.gradcheck(
        lambda x: hand(metric=metric).score(x, clean_logits=torch.zeros_like(LOGITS)),
        (LOGITS.clone().requires_grad_(),),
    )
    assert numeric


def test_several_places_are_averaged() -> None:
    places = hand(
        position=torch.tensor([[1, 2], [1, 2]]),
        right=torch.tensor([[1, 2], [2, 3]]),
        wrong=None,
        metric="loss",
    )
    nats = LOGITS.log_softmax(-1)
    expected = [(nats[0, 1, 1] + nats[0, 2, 2]) / 2, (nats[1, 1, 2] + nats[1, 2, 3]) / 2]
    assert places.score(LOGITS).tolist() == pytest.approx([float(one) for one in expected])
    assert places.chance(5) == pytest.approx(0.2)


def test_an_answer_is_correct_where_the_likeliest_of_its_answers_is_right() -> None:
    logits = torch.zeros(2, 3, 5)
    assert hand().correct(logits).tolist() == [0, 0], "a tie is no win"
    logits[0, 2, 1], logits[1, 1, 3] = 1, 1
    logits[:, :, 0] = 2
    assert hand().correct(logits).tolist() == [1, 1]
    assert hand().likeliest(logits).tolist() == [0, 0]
    logits[:, :, 0] = 0.5
    assert hand().likeliest(logits).tolist() == [1, 1]
    # Of 1 against 1, and of 2 against 1.
    assert hand().chance(5) == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert hand().chance(5, among_all=True) == pytest.approx((1 / 5 + 2 / 5) / 2)


def test_token_0_can_be_an_answer_beside_a_missing_one() -> None:
    logits = torch.zeros(2, 3, 5)
    logits[:, :, 0] = 1
    task = hand(right=torch.tensor([[0, -1], [2, -1]]))
    assert task.likeliest(logits).tolist() == [1, 0]


def test_a_batch_is_the_same_task_of_some_prompts() -> None:
    task = hand()
    for rows in (slice(1, 2), [1], torch.tensor([1])):
        assert task.batch(rows).score(LOGITS[1:]).tolist() == task.score(LOGITS)[1:].tolist()
    assert task.batch([1, 0, 1]).right.tolist() == [[2, 3], [1, -1], [2, 3]]


def test_halves_have_no_prompt_in_common_and_come_again(toy: TransformerBridge) -> None:
    task = cw.Task.repeated_tokens(toy, n=7, length=4)
    one, other = task.halves(3)
    rows = {tuple(ids) for half in (one, other) for ids in half.clean.tolist()}
    assert (len(one), len(other), len(rows)) == (4, 3, 7)
    assert torch.equal(one.clean, task.halves(3)[0].clean)
    assert not torch.equal(one.clean, task.halves(4)[0].clean)
    with pytest.raises(ValueError, match="one prompt; accepted are 2 or more"):
        task.batch([0]).halves()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"clean": torch.zeros(0, 3).long(), "corrupt": torch.zeros(0, 3).long()}, "one prompt or"),
        ({"corrupt": torch.zeros(2, 4).long()}, "aligned token by token, of one shape"),
        (
            {"corrupt": torch.tensor([[0, 4, 2], [0, 2, 3]])},
            "the corrupt prompt equals the clean one in row 1; ",
        ),
        ({"position": torch.tensor([2, 3])}, "position is outside the prompt in row 1;"),
        ({"position": torch.tensor([2])}, r"position has shape \[1\]; accepted is \[2\]"),
        ({"right": torch.tensor([1])}, r"right has shape \[1\]; accepted is \[2\]"),
        ({"right": torch.tensor([-1, 1])}, "there is no right answer in row 0"),
        ({"wrong": torch.tensor([4, 3])}, "an answer is both right and wrong in row 1"),
        ({"wrong": None}, "holds right answers against wrong ones; pass wrong"),
        ({"metric": "logit_diff"}, "did you mean 'logit_difference'"),
        ({"roles": ("a", "b")}, "2 roles for prompts of 3 tokens"),
    ],
)
def test_what_is_no_task_is_refused_with_a_sentence(changes: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        hand(**changes)


def test_ids_that_are_none_are_refused() -> None:
    with pytest.raises(TypeError, match=r"right is torch\.float32; accepted is a tensor of int"):
        hand(right=torch.ones(2))
    with pytest.raises(ValueError, match="logits have shape"):
        hand().score(LOGITS[:1])
    with pytest.raises(ValueError, match='"kl" compares with the clean run'):
        hand(metric="kl").score(LOGITS)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            (["blue dog", "red"], ["red dog", "blue"], ["cat", "cat"]),
            "unequal lengths: row 0 has 3 tokens and row 1 has 2 tokens; accepted",
        ),
        (
            (["blue dog", "red"], ["red dog", "blue dog"], ["cat", "cat"]),
            r"not as long as the clean one in row 1 \(in row 1 2 tokens are clean and 3 corrupt",
        ),
        (("blue dog", ["red dog", "blue cat"], "cat"), "1 clean prompts and 2 corrupt ones"),
        (("blue dog", "blue dog", "cat"), "the corrupt prompt equals the clean one in row 0"),
        (("blue dog", "red dog", "cat cow"), "right answer of row 0: the target 'cat cow' is 2"),
        (("blue dog", "red dog", "cat", "cat"), "both right and wrong in row 0"),
        (("blue dog", "red dog", 999), "right answer of row 0: the target is 999; accepted"),
        (([], [], []), "clean: there are no prompts"),
        ((["blue dog"] * 2, ["red dog"] * 2, "cat"), "accepted is a list of an answer for each"),
        ((["blue dog"] * 2, ["red dog"] * 2, ["cat"]), "1 right answers for 2 prompts"),
        (("blue dog", "red dog", [[]]), "right has not an answer"),
    ],
)
def test_pairs_that_are_no_task_are_refused(
    toy: TransformerBridge, given: Any, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        cw.Task.from_pairs(toy, *given)


def test_pairs_read_texts_ids_and_several_answers(toy: TransformerBridge) -> None:
    words = ("dog", "cat", "cow")
    read = toy.to_tokens("dog cat cow", prepend_bos=False)[0].tolist()
    ids = dict(zip(words, read, strict=True))
    texts = cw.Task.from_pairs(
        toy, ["blue dog", "red dog"], ["red dog", "red cow"], [{"cat"}, {"cow", "dog"}], ["hat"] * 2
    )
    assert texts.right.tolist() == [[ids["cat"], -1], [ids["cow"], ids["dog"]]]
    assert texts.metric == "logit_difference"
    assert texts.position.tolist() == [2, 2]
    again = cw.Task.from_pairs(toy, texts.clean, texts.corrupt, texts.right, texts.wrong)
    assert again.settings == texts.settings
    placed = cw.Task.from_pairs(
        toy, ["blue dog"], ["red dog"], [["dog", "cat"]], position=[[1, -1]]
    )
    assert (placed.position.tolist(), placed.metric) == ([[1, 2]], "loss")
    with pytest.raises(ValueError, match="right has not 2 answers in each row"):
        cw.Task.from_pairs(toy, ["blue dog"], ["red dog"], [["dog"]], position=[[1, 2]])


def test_a_task_comes_back_from_its_frame_and_from_provenance(toy: TransformerBridge) -> None:
    task = cw.Task.repeated_tokens(toy, n=3, length=4)
    frame = task.to_frame()
    again = cw.Task.from_frame(toy, frame, metric=task.metric, name=task.name).named(task.roles)
    assert again.settings == task.settings
    # As `Provenance.settings` reads a file: JSON, then types.
    read = typed(TaskSettings, json.loads(json.dumps(dataclasses.asdict(task.settings))))
    assert read == task.settings
    assert cw.Task.from_settings(toy, read).settings == task.settings
    with pytest.raises(ValueError, match="no column 'corrupt' and none 'right'"):
        cw.Task.from_frame(toy, pd.DataFrame({"clean": ["blue dog"]}))


@pytest.mark.parametrize("kind", ["gpt2", "gemma", "native"])
def test_repeated_tokens_differ_in_their_first_copy_alone(kind: str) -> None:
    model = tiny.make(kind)
    task = cw.Task.repeated_tokens(model, n=5, length=6, seed=2)
    assert task.roles is not None
    first = torch.tensor([role.startswith("first") for role in task.roles])
    assert torch.equal(task.clean != task.corrupt, first.expand(5, -1).to(task.clean.device))
    copies = task.clean[:, -12:].view(5, 2, 6)
    assert torch.equal(copies[:, 0], copies[:, 1])
    assert torch.equal(task.clean.gather(1, task.position + 1), task.right)
    assert all(len(set(row)) == 12 for row in task.corrupt[:, -12:].tolist())
    assert task.settings == cw.Task.repeated_tokens(model, n=5, length=6, seed=2).settings
    assert task.settings != cw.Task.repeated_tokens(model, n=5, length=6, seed=3).settings
    against = cw.Task.repeated_tokens(model, n=2, length=6, metric="logit_difference")
    assert against.wrong is not None
    assert torch.equal(against.wrong, against.corrupt[:, -12:-6][:, 1:])


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("clean", [[0, -7, 2], [0, 2, 3]]),
        ("corrupt", [[0, 4, 2], [0, -7, 3]]),
        ("right", [-7, 4]),
        ("wrong", [1, -7]),
    ],
)
def test_negative_ids_are_refused(name: str, ids: list[Any]) -> None:
    with pytest.raises(ValueError, match=f"{name} has the id -7 in row [01]; accepted are ids"):
        hand(**{name: torch.tensor(ids)})
