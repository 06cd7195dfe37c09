"""What no task may be: prompts that do not align, answers that are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jaxtyping import Bool
from torch import Tensor

from circuit_widgets import arguments
from circuit_widgets.prompts.tasks.scores import AGAINST, METRICS, NONE

if TYPE_CHECKING:
    from circuit_widgets.prompts.tasks.task import Task

# More rows than that are counted, not named.
_NAMED = 5


def rows_in_words(rows: list[int]) -> str:
    """Some rows, named.

    >>> rows_in_words([3]), rows_in_words([0, 2, 5]), rows_in_words([*range(9)])
    ('row 3', 'rows 0, 2 and 5', 'rows 0, 1, 2, 3, 4 and 4 more')
    """
    if len(rows) == 1:
        return f"row {rows[0]}"
    if len(rows) > _NAMED:
        return f"rows {', '.join(map(str, rows[:_NAMED]))} and {len(rows) - _NAMED} more"
    return f"rows {', '.join(map(str, rows[:-1]))} and {rows[-1]}"


def check(task: Task) -> None:
    """Raise what is wrong with a task's tensors.

    Raises:
        TypeError: One is no tensor of ids.
        ValueError: None at all, shapes that do not fit, a negative id, a corrupt prompt that
            is the clean one, a position that is not there, an answer that is missing or both right
            and wrong, a metric that does not exist or that lacks wrong answers.
    """
    arguments.choice("metric", task.metric, METRICS)
    names = ("clean", "corrupt", "position", "right", "wrong")
    given = {name: getattr(task, name) for name in names}
    for name, tensor in given.items():
        if name == "wrong" and tensor is None:
            continue
        if not isinstance(tensor, Tensor) or tensor.is_floating_point() or tensor.is_complex():
            kind = str(tensor.dtype) if isinstance(tensor, Tensor) else type(tensor).__name__
            raise TypeError(f"{name} is {kind}; accepted is a tensor of integers")
    _check_prompts(task)
    _check_answers(task)


def _check_prompts(task: Task) -> None:
    clean, corrupt, position = task.clean, task.corrupt, task.position
    if clean.ndim != 2 or not clean.numel():
        raise ValueError(
            f"clean has shape {list(clean.shape)}; accepted is [prompt, seq], one prompt or more"
        )
    if corrupt.shape != clean.shape:
        raise ValueError(
            f"clean has shape {list(clean.shape)} and corrupt {list(corrupt.shape)}; accepted are "
            "prompts that are aligned token by token, of one shape"
        )
    for name, ids in (("clean", clean), ("corrupt", corrupt)):
        below = _rows(ids < 0)
        if below:
            raise ValueError(
                f"{name} has the id {int(ids.min())} in {rows_in_words(below)}; accepted are ids "
                "of tokens, from 0"
            )
    same = (clean == corrupt).all(1).nonzero().flatten().tolist()
    if same:
        raise ValueError(
            f"the corrupt prompt equals the clean one in {rows_in_words(same)}; accepted are "
            "prompts that differ in one token at least"
        )
    n, length = clean.shape
    if position.ndim not in (1, 2) or len(position) != n or not position.numel():
        raise ValueError(
            f"position has shape {list(position.shape)}; accepted is [{n}], or [{n}, place] where "
            "answers are read at several"
        )
    outside = _rows((position < 0) | (position >= length))
    if outside:
        raise ValueError(
            f"position is outside the prompt in {rows_in_words(outside)}; accepted are whole "
            f"numbers from 0 to {length - 1}"
        )
    if task.roles is not None and len(task.roles) != length:
        raise ValueError(
            f"there are {len(task.roles)} roles for prompts of {length} tokens; accepted is one "
            "for each position, or None"
        )


def _check_answers(task: Task) -> None:
    shape = list(task.position.shape)
    for name, ids in (("right", task.right), ("wrong", task.wrong)):
        if ids is None:
            continue
        if list(ids.shape[: len(shape)]) != shape or ids.ndim > len(shape) + 1:
            raise ValueError(
                f"{name} has shape {list(ids.shape)}; accepted is {shape}, an answer for each "
                f"position, or {[*shape, 'answer']} where there are several"
            )
        below = _rows(ids < NONE)
        if below:
            raise ValueError(
                f"{name} has the id {int(ids.min())} in {rows_in_words(below)}; accepted are ids "
                f"of tokens, from 0, and {NONE} where there is no further answer"
            )
        answers = task.answers(ids)
        without = _rows((answers < 0).all(-1)) if answers.shape[-1] else [*range(len(ids))]
        if without:
            raise ValueError(f"there is no {name} answer in {rows_in_words(without)}")
    if task.wrong is None:
        if task.metric in AGAINST:
            raise ValueError(
                f"the metric {task.metric!r} holds right answers against wrong ones; pass wrong, "
                "or take the metric 'loss'"
            )
        return
    right, wrong = task.answers(task.right), task.answers(task.wrong)
    both = (right[..., :, None] == wrong[..., None, :]) & (right >= 0)[..., None]
    rows = _rows(both.flatten(2).any(-1))
    if rows:
        raise ValueError(f"an answer is both right and wrong in {rows_in_words(rows)}")


def _rows(bad: Bool[Tensor, "prompt ..."]) -> list[int]:
    """The rows in which anything is."""
    return bad.view(len(bad), -1).any(1).nonzero().flatten().tolist()
