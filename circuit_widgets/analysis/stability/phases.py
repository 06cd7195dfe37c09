"""How alike each checkpoint and the next are, and the phases that this makes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from circuit_widgets.analysis.stability.measuring import Measured
from circuit_widgets.analysis.stability.training_results import ABSENT, STABLE, UNSTABLE, Phase
from circuit_widgets.capture.stopping import check_stop
from circuit_widgets.causal.choosing import of_size_or_all
from circuit_widgets.causal.random_places import random_places
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import all_within, middle_of
from circuit_widgets.statistics.overlaps import (
    bootstrap_interval,
    corrected,
    jaccard,
    means_of,
    resampled,
    shared_effects,
)
from circuit_widgets.statistics.percentiles import percentiles
from circuit_widgets.statistics.ranks import rank_correlation

# Circuits with heads in random places, to know what two have in common by chance.
PLACES = 200
EFFECTS, CIRCUIT, RANK = "effects", "circuit", "rank"
Likeness = Callable[[Tensor, Tensor], Float[Tensor, " draw"]]


@dataclasses.dataclass(frozen=True, eq=False)
class Neighbours:
    """Each checkpoint and the next: see `TrainingStability`.

    Attributes:
        scores: `similarities`.
        drawn: [draw, interval], the shared effects in every draw of the prompts.
        jaccard, chance: Of the circuits.
        has: Which checkpoints have a circuit.
    """

    scores: dict[str, Score]
    drawn: Float[Tensor, "draw interval"]
    jaccard: Float[Tensor, " interval"]
    chance: Float[Tensor, " interval"]
    has: tuple[bool, ...]


def neighbours(
    models: Sequence[Measured],
    kept: Bool[Tensor, "step source target"],
    draws: int,
    seed: int,
    confidence: float,
) -> Neighbours:
    """Compare each checkpoint with the next, in the sample, in draws, and inside one of the two.

    Every draw has the same prompts in all checkpoints. What sampling alone does is the likeness of
    two draws inside one checkpoint, of the less even of both: it is more than between checkpoints,
    which are measured on the same prompts, so that a difference beyond it is none of the prompts.
    """
    nodes, n = models[0].nodes, len(models[0].samples)
    rows = resampled(n, draws, seed)
    has = tuple(bool(one.any()) for one in kept)
    size = int(kept.flatten(1).sum(1).max())
    flat = {
        EFFECTS: lambda one, other: shared_effects(one, other),
        RANK: lambda one, other: rank_correlation(one, other),
        CIRCUIT: lambda one, other: jaccard(one, other),
    }
    found = {name: _Rows(len(models) - 1) for name in flat}
    drawn: list[Tensor] = []
    chances = [_by_chance(kept[at : at + 2], models[0], seed) for at in range(len(models) - 1)]
    before = None
    for at, one in enumerate(models):
        now = _Draws(one, kept[at], rows, size if has[at] else 0, nodes.allowed)
        if before is not None:
            for name, alike in flat.items():
                if name == CIRCUIT and not (has[at - 1] and has[at]):
                    continue
                chance = chances[at - 1] if name == CIRCUIT else torch.tensor(0.0)
                found[name].put(at - 1, before, now, name, alike, chance, n, confidence)
            drawn.append(shared_effects(before.draws[EFFECTS], now.draws[EFFECTS]))
        before = now
    # Only where the task is done at one end at least is there something to be stable.
    tested = [has[at] or has[at + 1] for at in range(len(models) - 1)]
    scores = {name: rows.score(tested, confidence) for name, rows in found.items()}
    raw = [jaccard(kept[at].flatten(), kept[at + 1].flatten()) for at in range(len(models) - 1)]
    both = torch.tensor([has[at] and has[at + 1] for at in range(len(models) - 1)])
    return Neighbours(
        {name: scores[name] for name in (CIRCUIT, EFFECTS, RANK)},
        torch.stack(drawn, 1),
        torch.stack(raw).where(both, math.nan),
        torch.stack(chances).where(both, math.nan),
        has,
    )


class _Draws:
    """One checkpoint's scores and circuit, in the sample and in every draw."""

    def __init__(
        self,
        measured: Measured,
        kept: Bool[Tensor, "source target"],
        rows: Int[Tensor, "draw n"],
        size: int,
        allowed: Bool[Tensor, "source target"],
    ) -> None:
        scores = means_of(measured.samples, rows)
        edges = scores[:, allowed]
        self.sample = {EFFECTS: measured.score[allowed][None], CIRCUIT: kept[allowed][None]}
        self.draws = {EFFECTS: edges}
        if size:
            circuits = []
            for each in scores:
                check_stop()
                circuits.append(of_size_or_all(each.abs(), size, measured.nodes)[allowed])
            self.draws[CIRCUIT] = torch.stack(circuits)
        for each in (self.sample, self.draws):
            each[RANK] = each[EFFECTS]

    def inside(self, name: str, alike: Likeness) -> Float[Tensor, " draw"]:
        """Two draws in one checkpoint: each with the next."""
        drawn = self.draws[name]
        return alike(drawn, drawn.roll(1, 0))


class _Rows:
    """One likeness of all intervals, put in one by one."""

    def __init__(self, n: int) -> None:
        self._parts = torch.full((6, n), math.nan)
        self._null: dict[int, Tensor] = {}

    def put(
        self,
        at: int,
        one: _Draws,
        other: _Draws,
        name: str,
        alike: Likeness,
        chance: Float[Tensor, ""],
        n: int,
        confidence: float,
    ) -> None:
        def scaled(values: Tensor) -> Tensor:
            return corrected(values, chance)

        value = scaled(alike(one.sample[name], other.sample[name]))[0]
        drawn = scaled(alike(one.draws[name], other.draws[name]))
        inside = [scaled(each.inside(name, alike)) for each in (one, other)]
        null = torch.minimum(*inside)
        ends = bootstrap_interval(value, drawn, n, confidence)
        self._parts[:, at] = torch.stack([value, *ends, *middle_of(null, confidence)])
        if bool(null.isfinite().all()):
            self._null[at] = null

    def score(self, tested: Sequence[bool], confidence: float) -> Score:
        names = ("value", "low", "high", "control", "control_low", "control_high")
        found: dict[str, Tensor] = dict(zip(names, self._parts.clone(), strict=True))
        for name in ("extreme_low", "extreme_high"):
            found[name] = torch.full_like(found["value"], math.nan)
        null = {at: each for at, each in self._null.items() if tested[at]}
        if null:
            low, high = all_within(torch.stack([*null.values()]), confidence)
            found["extreme_low"][[*null]] = low
            found["extreme_high"][[*null]] = high
        return Score(**found)


def _by_chance(
    pair: Bool[Tensor, "2 source target"], measured: Measured, seed: int
) -> Float[Tensor, ""]:
    """What two circuits have in common if the heads of one are in random places."""
    generator = torch.Generator().manual_seed(seed)
    placed = torch.stack(
        [random_places(measured.nodes, generator).of(pair[0]) for _ in range(PLACES)]
    )
    return jaccard(placed.flatten(1), pair[1].flatten()).mean()


def phases_of(steps: Sequence[int], alike: Neighbours, confidence: float) -> tuple[Phase, ...]:
    """Intervals of one kind in a row, with where they begin and end in draws of the prompts."""
    score = alike.scores[EFFECTS]
    least = score.extreme_low
    assert least is not None
    found = _runs(_kinds(score.value, least, alike.has))
    drawn = [_runs(_kinds(values, least, alike.has)) for values in alike.drawn]
    phases = []
    for kind, first, last in found:
        ends = [end for runs in drawn if (end := _meeting(runs, kind, first, last)) is not None]
        places = torch.tensor([*ends, (first, last)], dtype=torch.float)
        low, high = _percentiles(places, confidence)
        phases.append(
            Phase(
                kind=kind,
                first=steps[first],
                last=steps[last],
                first_low=steps[low[0]],
                first_high=steps[high[0]],
                last_low=steps[low[1]],
                last_high=steps[high[1]],
                support=len(ends) / len(drawn),
            )
        )
    return tuple(phases)


def _kinds(
    values: Float[Tensor, " interval"], least: Float[Tensor, " interval"], has: Sequence[bool]
) -> list[str]:
    """Of each interval; without a circuit at one end nothing is stable."""
    kinds = []
    for at, (value, bar) in enumerate(zip(values.tolist(), least.tolist(), strict=True)):
        if not (has[at] or has[at + 1]):
            kinds.append(ABSENT)
        elif value < bar:
            kinds.append(UNSTABLE)
        else:
            kinds.append(STABLE if has[at] and has[at + 1] else ABSENT)
    return kinds


def _runs(kinds: Sequence[str]) -> list[tuple[str, int, int]]:
    """Kind, first and last checkpoint of intervals of one kind in a row."""
    found: list[tuple[str, int, int]] = []
    for at, kind in enumerate(kinds):
        if found and found[-1][0] == kind:
            found[-1] = kind, found[-1][1], at + 1
        else:
            found.append((kind, at, at + 1))
    return found


def _meeting(
    runs: Sequence[tuple[str, int, int]], kind: str, first: int, last: int
) -> tuple[int, int] | None:
    """The run of a kind that has most intervals in common with one, if any has."""
    shared = {
        (start, end): min(last, end) - max(first, start)
        for of, start, end in runs
        if of == kind and min(last, end) > max(first, start)
    }
    return max(shared, key=lambda ends: shared[ends]) if shared else None


def _percentiles(
    places: Float[Tensor, "draw end"], confidence: float
) -> tuple[list[int], list[int]]:
    """Outwards to whole places, so that no end is said to be surer than a checkpoint."""
    low, high = percentiles(places, confidence)
    return low.floor().int().tolist(), high.ceil().int().tolist()
