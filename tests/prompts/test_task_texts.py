"""Tasks written in words: one token a slot, aligned, balanced, refused where they cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets.prompts.tasks import Task
from tests import tiny
from tests.prompts.written import WORDS, reading


def changed(task: Task) -> list[set[str]]:
    """The roles of the positions in which each corrupt prompt differs."""
    assert task.roles is not None
    return [
        {role for role, here in zip(task.roles, row, strict=True) if here}
        for row in (task.clean != task.corrupt).tolist()
    ]


def test_indirect_objects_are_balanced_and_differ_in_their_names(tmp_path: Path) -> None:
    model = reading(tmp_path)
    task = cw.Task.ioi(model, n=12, seed=1)
    assert task.roles is not None and task.wrong is not None
    assert changed(task) == [{"name 1", "name 2", "S2"}] * 12
    at = {role: task.roles.index(role) for role in ("name 1", "name 2", "S2", "END")}
    first, second, giver = (task.clean[:, at[role]] for role in ("name 1", "name 2", "S2"))
    abba = first == task.right
    assert abba.tolist() == [True, False] * 6
    assert torch.equal(torch.where(abba, second, first), giver)
    assert torch.equal(giver, task.wrong)
    assert task.position.tolist() == [at["END"]] * 12 == [task.clean.shape[1] - 1] * 12
    # ABC: three names, none of the clean prompt's.
    for clean, corrupt in zip(task.clean[:, list(at.values())[:3]], task.corrupt, strict=True):
        others = corrupt[list(at.values())[:3]].tolist()
        assert len({*others} - {*clean.tolist()}) == 3
    assert task.settings == cw.Task.ioi(model, n=12, seed=1).settings
    assert task.settings != cw.Task.ioi(model, n=12, seed=2).settings


@pytest.mark.parametrize(("order", "io"), [("ABBA", 2), ("BABA", 4)])
def test_one_order_names_the_indirect_object(tmp_path: Path, order: str, io: int) -> None:
    task = cw.Task.ioi(reading(tmp_path), n=3, order=order)
    assert task.roles is not None and task.roles.index("IO") == io
    assert torch.equal(task.clean[:, io], task.right)
    assert {"S1", "S2", "END", "BOS"} <= {*task.roles}


def test_names_are_those_of_one_token(tmp_path: Path) -> None:
    names = (" Mary", " John", " Paul", " Lisa", " Mark")
    others = [word for word in WORDS if not word.strip().istitle() or word in ("When", "The")]
    model = reading(tmp_path, words=(*names, *others))
    task = cw.Task.ioi(model, n=8)
    assert {model.tokenizer.convert_ids_to_tokens(id) for id in task.right.tolist()} <= {*names}
    few = reading(tmp_path / "few", words=(*names[:4], *others))
    with pytest.raises(
        ValueError, match="needs 5 names that are one token, and this tokenizer has 4"
    ):
        cw.Task.ioi(few)


def test_later_years_are_right(tmp_path: Path) -> None:
    model = reading(tmp_path, digits=2)
    task = cw.Task.greater_than(model, n=10)
    show = model.tokenizer.convert_ids_to_tokens
    assert changed(task) == [{"YY"}] * 10
    assert task.roles is not None and task.wrong is not None
    for clean, corrupt, right, wrong in zip(
        task.clean, task.corrupt, task.right.tolist(), task.wrong.tolist(), strict=True
    ):
        began = int(show(int(clean[task.roles.index("YY")])))
        assert {int(show(id)) for id in right if id >= 0} == {*range(began + 1, 100)}
        assert {int(show(id)) for id in wrong if id >= 0} == {*range(began + 1)}
        assert show(int(corrupt[task.roles.index("YY")])) == "01"
        assert show(int(clean[-1])) == show(int(clean[task.roles.index("century")]))
    assert task.settings == cw.Task.greater_than(model, n=10).settings


def test_of_single_digits_the_next_one_is_read(tmp_path: Path) -> None:
    model = reading(tmp_path, digits=1)
    task = cw.Task.greater_than(model, n=10)
    show = model.tokenizer.convert_ids_to_tokens
    assert task.roles is not None and task.wrong is not None
    at = task.roles.index("YY")
    for clean, right, wrong in zip(
        task.clean, task.right.tolist(), task.wrong.tolist(), strict=True
    ):
        assert show(int(clean[at + 1])) == "9"
        tens = int(show(int(clean[at])))
        assert {int(show(id)) for id in right if id >= 0} == {*range(tens + 1, 10)}
        assert {int(show(id)) for id in wrong if id >= 0} == {*range(tens + 1)}


def test_years_of_three_digits_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="this tokenizer writes ' 1742' as ' 174' and '2'"):
        cw.Task.greater_than(reading(tmp_path, digits=3))


def test_the_next_argument_is_right(tmp_path: Path) -> None:
    model = reading(tmp_path)
    task = cw.Task.docstring(model, n=6)
    assert task.roles is not None and task.wrong is not None
    assert changed(task) == [{"C def", "A doc", "B doc"}] * 6
    at = {role: task.roles.index(role) for role in ("A def", "B def", "C def", "D def", "A doc")}
    assert torch.equal(task.clean[:, at["C def"]], task.right)
    assert torch.equal(task.clean[:, at["A def"]], task.clean[:, at["A doc"]])
    wrong = [task.clean[:, at[role]] for role in ("A def", "B def", "D def")]
    assert torch.equal(torch.stack([*wrong, task.corrupt[:, at["C def"]]], 1), task.wrong)


@pytest.mark.parametrize("name", ["ioi", "greater_than", "docstring"])
def test_a_model_without_words_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"task '{name}'"):
        getattr(cw.Task, name)(cw.load_model())
    with pytest.raises(ValueError, match=r"no tokenizer.*Task\.repeated_tokens works on any model"):
        getattr(cw.Task, name)(tiny.make("native"))


@pytest.mark.smollm2
def test_smollm2_does_the_tasks_that_it_can_read(smollm2) -> None:
    ioi = cw.Task.ioi(smollm2, n=8)
    assert changed(ioi) == [{"name 1", "name 2", "S2"}] * 8
    for task in (ioi, cw.Task.greater_than(smollm2, n=6), cw.Task.docstring(smollm2, n=6)):
        check = cw.check_task(smollm2, task)
        assert check.done, check
        assert float(check.accuracy.value) > 0.9
