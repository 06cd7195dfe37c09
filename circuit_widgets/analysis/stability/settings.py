"""The arguments that both questions of stability take."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from circuit_widgets import arguments
from circuit_widgets.causal.edge_scores import METHODS
from circuit_widgets.causal.subgraph import BY
from circuit_widgets.models.recipes import described
from circuit_widgets.prompts.repeats import SHORTEST
from circuit_widgets.prompts.tasks import Task
from circuit_widgets.results.provenance import Provenance


@dataclasses.dataclass(frozen=True)
class Settings:
    """The arguments of an analysis of stability, checked, as provenance keeps them.

    Attributes:
        models: Of each model, or checkpoint, how it is loaded, or what it is called.
        tasks: Of each model, as plain values; one, "task", if it is the same for all.
    """

    models: Mapping[str, Mapping[str, Any]]
    method: str
    size: float | None
    keep: float
    draws: int
    steps: int
    by: str
    held_out: bool
    random: int
    n_sequences: int
    length: int
    allow_failure: bool
    batch: int
    seed: int
    confidence: float
    tasks: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def checked(models: Mapping[Any, Any], task: Any, **given: Any) -> Settings:
    """The arguments as settings.

    Raises:
        TypeError: No task, and nothing that makes one.
        ValueError: A number out of range, or a name that there is not.
    """
    if not isinstance(task, Task) and not callable(task):
        raise TypeError(
            f"the task is {arguments.shown(task)}; accepted is a Task, or a function that makes "
            "one of a model"
        )
    size = given.pop("size")
    if size is not None and not (isinstance(size, float) and 0 < size < 1):
        size = arguments.whole("size", size, 1)
    return Settings(
        models={str(name): described(model) for name, model in models.items()},
        method=arguments.choice("method", given["method"], METHODS),
        size=size,
        keep=arguments.share("keep", given["keep"], example=0.8),
        draws=arguments.whole("draws", given["draws"], 20),
        steps=arguments.whole("steps", given["steps"], 1),
        by=arguments.choice("by", given["by"], BY),
        held_out=arguments.flag("held_out", given["held_out"]),
        random=arguments.whole("random", given.get("random", 0), 0),
        n_sequences=arguments.whole("n_sequences", given["n_sequences"], 2),
        length=arguments.whole("length", given["length"], SHORTEST),
        allow_failure=arguments.flag("allow_failure", given["allow_failure"]),
        batch=arguments.whole("batch", given["batch"], 1),
        seed=arguments.seed(given["seed"]),
        confidence=arguments.share("confidence", given["confidence"]),
    )


def size_in(size: float, n_all: int, name: str) -> int:
    """How many edges that is of one model.

    Raises:
        ValueError: More than the model has.
    """
    if isinstance(size, float):
        return max(1, round(size * n_all))
    if size > n_all:
        raise ValueError(
            f"size is {size}, and {name} has {n_all:,} edges; accepted is a whole number up to "
            "that, or a share between 0 and 1"
        )
    return size


def joined(
    names: Sequence[str], owners: Sequence[str], made: Sequence[Provenance], tasks: Sequence[Task]
) -> Provenance:
    """The provenance of a result on several models.

    names: Of the models.
    owners: Whose the tasks are.
    tasks: One for each owner; the same for all is kept once, as "task".
    """

    def each(field: str) -> str:
        return ", ".join(dict.fromkeys(getattr(part, field) for part in made))

    kept = [dataclasses.asdict(task.settings) for task in tasks]
    same = all(one == kept[0] for one in kept)
    return dataclasses.replace(
        made[0],
        model=in_words(names),
        probe=each("probe"),
        device=each("device"),
        dtype=each("dtype"),
        hooks=tuple(dict.fromkeys(hook for part in made for hook in part.hooks)),
        kept=made[0].kept if all(part.kept == made[0].kept for part in made) else (),
        parameters={
            **made[0].parameters,
            "tasks": {"task": kept[0]} if same else dict(zip(owners, kept, strict=False)),
        },
        n_done=len(made),
    )


def in_words(names: Sequence[str]) -> str:
    """Some names as one.

    >>> in_words(["a", "b", "c"]), in_words([str(n) for n in range(9)])
    ('a, b and c', '0, 1, 2 and 6 more')
    """
    if len(names) > 4:
        return f"{', '.join(names[:3])} and {len(names) - 3} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
