"""A task as plain values, as a result's provenance keeps it, and back."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

    from circuit_widgets.prompts.tasks.task import Task


@dataclasses.dataclass(frozen=True)
class TaskSettings:
    """A task as plain values: `Task.settings` gives it, `Task.from_settings` reads it.

    >>> import circuit_widgets as cw
    >>> task = cw.Task.from_pairs(cw.load_model(), [[0, 7, 8]], [[0, 9, 8]], [3], [4])
    >>> task.settings.corrupt, task.settings.right
    (((0, 9, 8),), (3,))
    """

    name: str
    metric: str
    clean: tuple[tuple[int, ...], ...]
    corrupt: tuple[tuple[int, ...], ...]
    position: tuple[Any, ...]
    right: tuple[Any, ...]
    wrong: tuple[Any, ...] | None = None
    roles: tuple[str, ...] | None = None


def settings_of(task: Task) -> TaskSettings:
    """A task's ids and names, nested tuples in the place of tensors."""
    wrong = None if task.wrong is None else nested(task.wrong)
    return TaskSettings(
        name=task.name,
        metric=task.metric,
        clean=nested(task.clean),
        corrupt=nested(task.corrupt),
        position=nested(task.position),
        right=nested(task.right),
        wrong=wrong,
        roles=task.roles,
    )


def from_settings(cls: type[Task], model: TransformerBridge, settings: TaskSettings) -> Task:
    """The task that a result was computed on, from its provenance, on the model's device."""

    def ids(values: tuple[Any, ...]) -> Tensor:
        return torch.tensor(values, dtype=torch.long, device=model.cfg.device)

    return cls(
        name=settings.name,
        clean=ids(settings.clean),
        corrupt=ids(settings.corrupt),
        position=ids(settings.position),
        right=ids(settings.right),
        wrong=None if settings.wrong is None else ids(settings.wrong),
        metric=settings.metric,
        roles=settings.roles,
    )


def nested(tensor: Tensor) -> tuple[Any, ...]:
    """A tensor's numbers as tuples, at any depth.

    >>> nested(torch.tensor([[1, 2], [3, 4]]))
    ((1, 2), (3, 4))
    """

    def tuples(values: Any) -> Any:
        return tuple(map(tuples, values)) if isinstance(values, list) else values

    return tuples(tensor.tolist())
