"""How well circuits of several sizes do the task, beside random ones and without them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from circuit_widgets.causal.choosing import Ranking, random_strengths
from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.causal.task_runs import Run, TaskRuns
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import (
    SHARE,
    further_draw,
    mean_interval,
    ratio_interval,
)


@dataclasses.dataclass(frozen=True)
class Curve:
    """Of circuits of several sizes; NaN where a size has not been run yet.

    Attributes:
        kept: The edges of each.
        faithfulness: (circuit - corrupt) / (clean - corrupt), a ratio of means over prompts with
            Fieller's interval; control: of random circuits of the same size and layers, the mean
            and where one more would be.
        accuracy: On how many of the prompts the answer is right, with the random circuits' as
            control.
        without: Faithfulness of the model without the circuit: 0 if nothing else does the task.
    """

    kept: Bool[Tensor, "size *pos source target"]
    faithfulness: Score
    accuracy: Score
    without: Score


def curves(
    runs: TaskRuns,
    strength: Float[Tensor, "*pos source target"],
    nodes: Nodes,
    kept: Bool[Tensor, "size *pos source target"],
    n_random: int,
    seed: int,
    confidence: float,
) -> Iterator[Curve | None]:
    """The curve, size by size; those not run yet are NaN. None: some more circuits have run."""
    n = len(kept)
    faithful, accurate, without = _Points(n), _Points(n), _Points(n)
    drawn = [Ranking(each, nodes) for each in random_strengths(strength, nodes, n_random, seed)]
    for at, edges in enumerate(kept):
        scores, correct = runs.along(edges)
        left, _ = runs.along(nodes.allowed & ~edges)
        random: list[Run] = []
        for start in range(0, n_random, runs.at_once):
            some = drawn[start : start + runs.at_once]
            random += runs.several([each.of_size_or_all(int(edges.sum())) for each in some])
            yield None
        share = share_of(runs, scores - runs.corrupt, confidence)
        faithful.put(at, share)
        without.put(at, share_of(runs, left - runs.corrupt, confidence))
        accurate.put(at, mean_interval(correct, confidence, SHARE))
        # Of a difference that may be 0 random circuits have no share either.
        if not share[0].isnan():
            others = torch.tensor([runs.ratio(score) for score, _ in random])
            faithful.control(at, further_draw(others, confidence))
        hits = torch.tensor([float(right.mean()) for _, right in random])
        middle, low, high = further_draw(hits, confidence)
        accurate.control(at, (middle, low.clamp(*SHARE), high.clamp(*SHARE)))
        yield Curve(kept, faithful.score(), accurate.score(), without.score(False))


def share_of(
    runs: TaskRuns, part: Float[Tensor, " prompt"], confidence: float
) -> tuple[Tensor, Tensor, Tensor]:
    """A difference of scores as a share of clean - corrupt, with its interval."""
    return ratio_interval(part, runs.clean - runs.corrupt, confidence)


def areas(
    shares: Float[Tensor, " size"], faithfulness: Float[Tensor, " size"]
) -> tuple[float, float]:
    """CPR, the area under faithfulness over the share of edges, and CMD, that under |1 - it|.

    Mueller et al. 2025 (MIB), section 4, by the trapezoid rule.

    >>> areas(torch.tensor([0.0, 0.5, 1.0]), torch.tensor([0.0, 1.0, 1.0]))
    (0.75, 0.25)
    """
    cpr = torch.trapezoid(faithfulness, shares)
    cmd = torch.trapezoid((1 - faithfulness).abs(), shares)
    return float(cpr), float(cmd)


def log_area(shares: Float[Tensor, " size"], values: Float[Tensor, " size"]) -> float:
    """The mean of something over the logarithm of size.

    >>> log_area(torch.tensor([0.01, 0.1, 1.0]), torch.tensor([0.0, 1.0, 1.0]))
    0.75
    """
    at = shares.log10()
    return float(torch.trapezoid(values, at) / (at[-1] - at[0])) if len(at) > 1 else math.nan


class _Points:
    """A score of every size, filled in one by one."""

    def __init__(self, n: int) -> None:
        self._values = torch.full((6, n), torch.nan)

    def put(self, at: int, ends: tuple[Tensor, Tensor, Tensor]) -> None:
        self._values[:3, at] = torch.stack([*ends])

    def control(self, at: int, ends: tuple[Tensor, Tensor, Tensor]) -> None:
        self._values[3:, at] = torch.stack([*ends])

    def score(self, control: bool = True) -> Score:
        names = ("value", "low", "high", "control", "control_low", "control_high")
        kept = names if control else names[:3]
        return Score(**dict(zip(kept, self._values.clone(), strict=False)))
