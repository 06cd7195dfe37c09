"""Models, each loaded where it is used, here or on an executor, and what they come to."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from circuit_widgets import models
from circuit_widgets.jobs.analysis import holding
from circuit_widgets.jobs.elsewhere import Failure, elsewhere
from circuit_widgets.jobs.progress import Progress
from circuit_widgets.models.pruned import check_even
from circuit_widgets.models.recipes import loaded
from circuit_widgets.results.provenance import Provenance

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

    from circuit_widgets.analysis.stability.measuring import Measured

T = TypeVar("T")
K = TypeVar("K")


class Given(Generic[T]):
    """One value that a generator of progress ends with."""

    value: T


def with_model(
    given: Any, name: str, begin: Callable[[TransformerBridge], Iterator[None]]
) -> Iterator[None]:
    """Load a model, hold it while its steps are done, and let it go.

    Raises:
        ValueError: What loading it says, with its name before it.
    """
    try:
        model = loaded(given)
        models.check_model(model)
        check_even(model, "a profile of roles")
    except (ValueError, TypeError, OSError) as error:
        raise type(error)(f"{name}: {error}") from error
    yield from holding(model, begin(model))


# One model's steps; the value that they come to is given at the end.
Begin = Callable[["TransformerBridge", Given[T]], Iterator[None]]


def arriving(
    models: Mapping[str, Any],
    begin: Mapping[str, Begin[T]],
    executor: concurrent.futures.Executor | None,
) -> Iterator[tuple[str, T | Failure] | None]:
    """What each model comes to, by its name, as they finish; None: one more step is done here.

    On an executor a model that fails is said, and the others arrive; here it raises.
    """
    if executor is not None:
        yield from elsewhere(
            {name: functools.partial(_whole, models[name], name, begin[name]) for name in begin},
            executor,
        )
        return
    for name, steps in begin.items():
        into: Given[T] = Given()
        yield from with_model(models[name], name, _filling(steps, into))
        yield name, into.value


def _filling(begin: Begin[T], into: Given[T]) -> Callable[[TransformerBridge], Iterator[None]]:
    return lambda model: begin(model, into)


def _whole(given: Any, name: str, begin: Begin[T]) -> T:
    """One model's value, where it is computed."""
    into: Given[T] = Given()
    for _ in with_model(given, name, _filling(begin, into)):
        pass
    return into.value


class Gathering(Generic[T]):
    """What several models come to, gathered as it arrives.

    Attributes:
        found: By the model's name.
        failed: Of those that are left out, why.
    """

    def __init__(self) -> None:
        self.found: dict[str, T] = {}
        self.failed: list[str] = []

    def steps(
        self,
        models: Mapping[str, Any],
        begin: Mapping[str, Begin[T]],
        executor: concurrent.futures.Executor | None,
        did: Callable[[int], Progress],
        n_steps: int,
    ) -> Iterator[Progress | None]:
        """Progress, by steps that are done; None: one more has arrived, or failed.

        n_steps: of a model, where they are not seen one by one: on an executor.
        """
        for each in arriving(models, begin, executor):
            if each is None:
                yield did(1)
                continue
            name, found = each
            if isinstance(found, Failure):
                self.failed.append(found.of(name))
            else:
                self.found[name] = found
            if executor is not None:
                yield did(n_steps)
            yield None


@dataclasses.dataclass(frozen=True, eq=False)
class Arrived:
    """Models that are measured, in order; others may still come.

    Attributes:
        models: Their numbers.
        where: Of each, where it is among all that were asked for.
        made: Provenance of all of them together.
        failed: Of those that are left out, why.
    """

    models: list[Measured]
    where: Sequence[int]
    made: Provenance
    failed: tuple[str, ...] = ()


def arrived(
    order: Sequence[K],
    measured: Mapping[K, Measured],
    failed: Sequence[str],
    made: Callable[[list[K], list[Measured]], Provenance],
) -> Arrived:
    """What there is by now, in an order; `made` gives its provenance."""
    there = [key for key in order if key in measured]
    models = [measured[key] for key in there]
    where = [order.index(key) for key in there]
    return Arrived(models, where, made(there, models), tuple(failed))


def placed(parts: Sequence[T], where: Sequence[int], n: int, missing: T) -> list[T]:
    """Some parts at their places among n; the rest is missing.

    >>> placed(["b", "c"], [1, 2], 4, "")
    ['', 'b', 'c', '']
    """
    found = [missing] * n
    for at, part in zip(where, parts, strict=True):
        found[at] = part
    return found
