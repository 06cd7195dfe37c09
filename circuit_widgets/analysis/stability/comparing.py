"""Several models on their way to being compared, and the result at each stage."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from circuit_widgets.analysis.stability.components import parts_in, role_depths, roles_in
from circuit_widgets.analysis.stability.measuring import Measured
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
from circuit_widgets.causal.task_runs import TaskRuns
from circuit_widgets.jobs.progress import Progress, Work
from circuit_widgets.results.provenance import Provenance
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import further_draw, ratio_interval

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

_TRANSFER = ("value", "low", "high", "control", "control_low", "control_high")


class Comparing:
    """Models that are measured, their circuits, and how alike these are."""

    def __init__(
        self, names: Sequence[str], models: Sequence[Measured], settings: Settings, made: Provenance
    ) -> None:
        self._names, self._models = tuple(names), list(models)
        self._settings, self._made = settings, made
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

    def transfer(self, model: TransformerBridge, target: int, work: Work) -> Iterator[Progress]:
        """Run every circuit of a model with the same parts in this one."""
        assert self._of is not None
        own, settings = self._models[target], self._settings
        runs = TaskRuns(model, own.nodes, own.tested, settings.by, settings.batch)
        whole = runs.clean - runs.corrupt
        sources = [at for at, one in enumerate(self._models) if one.nodes == own.nodes]
        work.plan("transfer", len(self._models) * (1 + len(sources)))
        for source in sources:
            scores, _ = runs.along(self._of.sample[source].kept[0])
            ends = ratio_interval(scores - runs.corrupt, whole, settings.confidence)
            placed = self._of.places[source].kept[: settings.random]
            others = torch.tensor([runs.ratio(runs.along(kept)[0]) for kept in placed])
            ends = (*ends, *further_draw(others, settings.confidence))
            for name, number in zip(_TRANSFER, ends, strict=True):
                self._transfer[name][source, target] = number
            yield work.did("transfer")
        self._left.discard(target)

    def result(self) -> CrossModelStability:
        """What is known by now."""
        names, models, of = self._names, self._models, self._of
        pending = ("overlap", "transfer") if of is None else ("transfer",) if self._left else ()
        left = len(names) - len(models)
        n_found = [len(one.samples) for one in models] + [0] * left
        n_tested = [len(one.tested) for one in models] + [0] * left
        # Where a model has not been measured yet, the first one's graph stands in its place.
        nodes = [one.nodes for one in models] + [models[0].nodes] * left
        overlap = self._alike["overlap"]
        return CrossModelStability(
            task=models[0].found.name,
            metric=models[0].found.metric,
            models=names,
            nodes=tuple(nodes),
            n_found=tuple(n_found),
            n_tested=tuple(n_tested),
            done=tuple(one.check.done for one in models) + (None,) * left,
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
                self._made, n_done=len(models), n_total=len(names), pending=pending
            ),
        )

    def _filled(self, parts: list[Tensor], missing: float | bool = math.nan) -> Tensor:
        left = len(self._names) - len(parts)
        return padded(parts + [torch.full_like(parts[0], missing)] * left, missing)

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
        left = len(self._names) - len(scores)
        names = ("value", "low", "high", "control", "control_low", "control_high")
        return Score(
            **{
                name: torch.stack([getattr(score, name) for score in scores] + [missing] * left)
                for name in names
            }
        )


def _missing(shape: tuple[int, ...]) -> Score:
    return Score(torch.full(shape, math.nan))


def _no_matrices(n: int) -> Matrices:
    missing = torch.full((n, n), math.nan)
    return Matrices(_missing((n, n)), missing, missing.clone(), _missing((n, n)))


def _copy(score: Score) -> Score:
    return Score(**{name: each.clone() for name, each in score.tensors().items()})
