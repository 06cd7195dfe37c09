"""What the second copy loses without heads: one by one, and all induction heads together."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import torch

from circuit_widgets.analysis.induction.results import InductionHeads
from circuit_widgets.causal.ablation import Ablation
from circuit_widgets.causal.random_heads import others
from circuit_widgets.heads import Head
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import mean_interval, score_of

# Random heads, and random sets of heads, that ablations are compared with.
RANDOM = 8
_PARTS = ("value", "low", "high", "control", "control_low", "control_high")


def add_ablation(
    result: InductionHeads, runs: Ablation, n_heads: int, *, confidence: float, seed: int
) -> Iterator[InductionHeads | None]:
    """Single heads with random heads as control, then all induction heads with sets of as many.

    It yields once for every ablation; None where there is nothing new to show.
    """
    induction = result.heads()
    tried = [*induction, *(head for head in _highest(result) if head not in induction)][:n_heads]
    random = others(result.shape, [*induction, *tried], RANDOM, seed)
    effects = []
    for head in random:
        effects.append(runs.effect([head]).mean())
        yield None
    missing = (torch.tensor(torch.nan),) * 3
    null = mean_interval(torch.stack(effects), confidence) if effects else missing
    planes = {name: torch.full(result.shape, torch.nan) for name in _PARTS}
    for head in tried:
        numbers = (*mean_interval(runs.effect([head]), confidence), *null)
        for plane, number in zip(planes.values(), numbers, strict=True):
            plane[head.layer, head.index] = number
        score = Score(**{name: plane.clone() for name, plane in planes.items()})
        result = dataclasses.replace(result, ablation=score)
        yield result
    sets = [others(result.shape, induction, len(induction), seed + 1 + at) for at in range(RANDOM)]
    if not induction or len(sets[0]) < len(induction):
        return
    joint = []
    for heads in sets:
        joint.append(runs.effect(heads).mean())
        yield None
    score = score_of(runs.effect(induction), torch.stack(joint), confidence)
    yield dataclasses.replace(result, joint_ablation=score)


def _highest(result: InductionHeads) -> list[Head]:
    """Every head that has a score, the highest prefix matching first."""
    value = result.prefix_matching.value
    order = value.flatten().nan_to_num(-1.0).argsort(descending=True).tolist()
    heads = [Head(*divmod(at, value.shape[1])) for at in order]
    return [head for head in heads if not value[head.layer, head.index].isnan()]
