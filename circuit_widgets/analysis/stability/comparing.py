"""Several models on their way to being compared, and the result at each stage."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.analysis.stability.arriving import Arrived, Begin, Given, placed
from circuit_widgets.analysis.stability.components import parts_in, role_depths, roles_in
from circuit_widgets.analysis.stability.pairs import (
    Matrices,
    Versions,
    all_matrices,
    by_of,
    versions,
)
from circuit_widgets.analysis.stability.results import (
    Component,
    CrossModelStability,
    padded,
)
from circuit_widgets.analysis.stability.settings import Settings, size_in
from circuit_widgets.attention.roles import OTHER, ROLES
from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.causal.task_runs import TaskRuns
from circuit_widgets.jobs.elsewhere import Failure
from circuit_widgets.prompts.tasks import Task
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import further_draw, ratio_interval

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

T = TypeVar("T")
_TRANSFER = ("value", "low", "high", "control", "control_low", "control_high")


class Comparing:
    """Models that are measured, their circuits, and how alike these are."""

    def __init__(self, names: Sequence[str], arrived: Arrived, settings: Settings) -> None:
        self._names, self._settings = tuple(names), settings
        self._models, self._where, self._made = arrived.models, arrived.where, arrived.made
        self._failed = arrived.failed
        n = len(self._names)
        self._of: Versions | None = None
        self._alike = {name: _no_matrices(n) for name in ("overlap", "correlation", "roles")}
        self._transfer = {name: torch.full((n, n), math.nan) for name in _TRANSFER}
        self._left = set(range(n))
        self._parts: tuple[Component, ...] = ()
        self._roles: tuple[Component, ...] = ()
        self._n_stable = _missing(())
        self._masses, self._depths = (
            _missing((n, len(ROLES) + 1)),
            torch.full((n, len(ROLES)), math.nan),
        )

    def compare(self) -> None:
        """Choose all circuits, and see how alike they are."""
        settings, models = self._settings, self._models
        self._of = versions(models, self._sizes(), settings.draws, settings.seed)
        self._alike = all_matrices(models, self._of, settings.confidence)
        if all(one.nodes == models[0].nodes for one in models):
            self._parts, self._n_stable = parts_in(models, self._of, settings.confidence)
        self._roles, self._masses = roles_in(models, self._of, settings.confidence)
        self._depths = role_depths(models, self._of)

    def _sizes(self) -> list[int]:
        """The same share of every model's edges."""
        asked, models = self._settings.size, self._models
        if asked is None:
            asked = float(max(one.share for one in models if one.share is not None))
        n_all = [int(one.nodes.allowed.sum()) for one in models]
        if asked == 1.0 and self._settings.size is None:
            return n_all
        return [size_in(asked, n, name) for n, name in zip(n_all, self._names, strict=True)]

    def transfers(self) -> dict[str, Begin[Tensor]]:
        """Of each model, the runs of every circuit of a model with the same parts in it."""
        assert self._of is not None
        found: dict[str, Begin[Tensor]] = {}
        for name, own in zip(self._names, self._models, strict=True):
            circuits = {
                at: (self._of.sample[at].kept[0], self._of.places[at].kept[: self._settings.random])
                for at, one in enumerate(self._models)
                if one.nodes == own.nodes
            }
            found[name] = functools.partial(
                _transferred, own.nodes, own.tested, self._settings, circuits, len(self._names)
            )
        return found

    @property
    def n_transfers(self) -> int:
        """How many circuits are run, each in one model."""
        return sum(one.nodes == own.nodes for one in self._models for own in self._models)

    def transferred(self, name: str, columns: Tensor | Failure) -> None:
        """What one model's runs came to."""
        if isinstance(columns, Failure):
            self._failed = (*self._failed, columns.of(name))
            return
        target = self._names.index(name)
        self._left.discard(target)
        for part, column in zip(_TRANSFER, columns, strict=True):
            self._transfer[part][:, target] = column

    def result(self) -> CrossModelStability:
        """What is known by now."""
        names, models, of = self._names, self._models, self._of
        pending = ("overlap", "transfer") if of is None else ("transfer",) if self._left else ()
        # Where a model has not been measured yet, another one's graph stands in its place.
        nodes = self._placed([one.nodes for one in models], models[0].nodes)
        overlap = self._alike["overlap"]
        return CrossModelStability(
            task=models[0].found.name,
            metric=models[0].found.metric,
            models=names,
            nodes=tuple(nodes),
            n_found=tuple(self._placed([len(one.samples) for one in models], 0)),
            n_tested=tuple(self._placed([len(one.tested) for one in models], 0)),
            done=tuple(self._placed([one.check.done for one in models], None)),
            task_score=self._task_score(),
            score=self._score(),
            kept=self._kept(),
            by=by_of(models) if of is not None else (("",) * len(names),) * len(names),
            overlap=_copy(overlap.value),
            jaccard=overlap.raw.clone(),
            chance=overlap.chance.clone(),
            halves=_copy(overlap.halves),
            correlation=_copy(self._alike["correlation"].value),
            roles=(*ROLES, OTHER),
            role_mass=self._masses,
            role_depth=self._depths,
            role_overlap=_copy(self._alike["roles"].value),
            transfer=Score(**{name: each.clone() for name, each in self._transfer.items()}),
            held_out=self._settings.held_out,
            components=self._parts,
            role_components=self._roles,
            n_stable=self._n_stable,
            provenance=dataclasses.replace(
                self._made, n_done=len(models), pending=pending, failed=self._failed
            ),
        )

    def _placed(self, parts: Sequence[T], missing: T) -> list[T]:
        return placed(parts, self._where, len(self._names), missing)

    def _filled(self, parts: list[Tensor], missing: float | bool = math.nan) -> Tensor:
        return padded(self._placed(parts, torch.full_like(parts[0], missing)), missing)

    def _score(self) -> Score:
        ends = zip(*(one.ends for one in self._models), strict=True)
        value, low, high = (self._filled(list(each)) for each in ends)
        return Score(value, low=low, high=high)

    def _kept(self) -> Tensor:
        models, of = self._models, self._of
        if of is None:
            return self._filled([torch.zeros_like(one.nodes.allowed) for one in models], False)
        return self._filled([one.kept[0] for one in of.sample], False)

    def _task_score(self) -> Score:
        scores = [one.check.score for one in self._models]
        missing = torch.tensor(math.nan)
        names = ("value", "low", "high", "control", "control_low", "control_high")
        return Score(
            **{
                name: torch.stack(self._placed([getattr(score, name) for score in scores], missing))
                for name in names
            }
        )


def _transferred(
    nodes: Nodes,
    tested: Task,
    settings: Settings,
    circuits: Mapping[int, tuple[Tensor, Tensor]],
    n_models: int,
    model: TransformerBridge,
    into: Given[Float[Tensor, "part source"]],
) -> Iterator[None]:
    """Circuits, and versions of them with heads in random places, run in one model."""
    found = torch.full((len(_TRANSFER), n_models), math.nan)
    runs = TaskRuns(model, nodes, tested, settings.by, settings.batch)
    whole = runs.clean - runs.corrupt
    for source, (kept, places) in circuits.items():
        scores, _ = runs.along(kept)
        ends = ratio_interval(scores - runs.corrupt, whole, settings.confidence)
        others = torch.tensor([runs.ratio(runs.along(each)[0]) for each in places])
        ends = (*ends, *further_draw(others, settings.confidence))
        found[:, source] = torch.tensor([float(end) for end in ends])
        yield
    into.value = found


def _missing(shape: tuple[int, ...]) -> Score:
    return Score(torch.full(shape, math.nan))


def _no_matrices(n: int) -> Matrices:
    missing = torch.full((n, n), math.nan)
    return Matrices(_missing((n, n)), missing, missing.clone(), _missing((n, n)))


def _copy(score: Score) -> Score:
    return Score(**{name: each.clone() for name, each in score.tensors().items()})
