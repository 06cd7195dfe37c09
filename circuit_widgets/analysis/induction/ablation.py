"""What the second copy loses without heads: one by one, and all induction heads together."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from circuit_widgets.analysis.induction.results import InductionHeads
from circuit_widgets.causal.ablation import Ablation
from circuit_widgets.causal.random_heads import matched_sets
from circuit_widgets.heads import Head
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import further_draw, mean_interval

# Random heads, and random sets of heads, that ablations are compared with.
RANDOM = 8
_PARTS = ("value", "low", "high", "control", "control_low", "control_high")


def add_ablation(
    result: InductionHeads,
    runs: Ablation,
    n_heads: int,
    missing_heads: Sequence[Head],
    *,
    confidence: float,
    seed: int,
) -> Iterator[InductionHeads | None]:
    """Single heads with random heads as control, then all induction heads with random sets.

    Random heads are of the same layers, and none is an induction head or one of those in question.
    A control is their mean, and between what one more of them would be (`further_draw`); where
    there are no such heads it is missing. It yields once for every ablation; None where there is
    nothing new to show.
    """
    induction = result.heads()
    tried = [*induction, *(head for head in _highest(result) if head not in induction)][:n_heads]
    random = _single(result.shape, tried, (*induction, *missing_heads), seed)
    effects = []
    for head in random:
        effects.append(runs.effect([head]).mean())
        yield None
    null = further_draw(_stacked(effects), confidence)
    missing = (torch.tensor(torch.nan),) * 3
    layers = {head.layer for head in random}
    planes = {name: torch.full(result.shape, torch.nan) for name in _PARTS}
    for head in tried:
        control = null if head.layer in layers else missing
        numbers = (*mean_interval(runs.effect([head]), confidence), *control)
        for plane, number in zip(planes.values(), numbers, strict=True):
            plane[head.layer, head.index] = number
        score = Score(**{name: plane.clone() for name, plane in planes.items()})
        result = dataclasses.replace(result, ablation=score)
        yield result
    if not induction:
        return
    joint = []
    for heads in matched_sets(result.shape, induction, RANDOM, seed + 1, missing_heads):
        joint.append(runs.effect(heads).mean())
        yield None
    numbers = (
        *mean_interval(runs.effect(induction), confidence),
        *further_draw(_stacked(joint), confidence),
    )
    score = Score(**dict(zip(_PARTS, numbers, strict=True)))
    yield dataclasses.replace(result, joint_ablation=score)


def _single(
    shape: tuple[int, int], tried: Sequence[Head], taken: Sequence[Head], seed: int
) -> list[Head]:
    """Random heads of the layers of those that are tried, from each layer about as many."""
    by_layer = [
        [head for (head,) in matched_sets(shape, [first], RANDOM, seed, (*tried, *taken))]
        for first in {head.layer: head for head in tried}.values()
    ]
    in_turn = itertools.chain.from_iterable(itertools.zip_longest(*by_layer))
    return [head for head in in_turn if head is not None][:RANDOM]


def _stacked(effects: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(effects)) if effects else torch.empty(0)


def _highest(result: InductionHeads) -> list[Head]:
    """Every head that has a score, the highest prefix matching first."""
    value = result.prefix_matching.value
    order = value.flatten().nan_to_num(-1.0).argsort(descending=True).tolist()
    heads = [Head(*divmod(at, value.shape[1])) for at in order]
    return [head for head in heads if not value[head.layer, head.index].isnan()]
