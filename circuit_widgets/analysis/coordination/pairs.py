"""How two heads work together: what is lost without one, the other and both, and what one says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.analysis.coordination.results import CoordinatedPair, Significant
from circuit_widgets.causal.ablation import Ablation
from circuit_widgets.causal.random_heads import random_paths
from circuit_widgets.heads import Head
from circuit_widgets.statistics.intervals import further_draw, mean_interval
from circuit_widgets.wire.numbers import number

# A mean and its interval; None where there is no number.
Estimate = tuple[float | None, float | None, float | None]
NOTHING: Estimate = (None, None, None)


def type_pairs(
    ablation: Ablation,
    chosen: Sequence[Significant],
    n_heads: int,
    confidence: float,
    seed: int,
) -> Iterator[CoordinatedPair]:
    """Every chosen pair, a not in a later layer than b, with its type and its evidence."""
    known = {frozenset((pair.a, pair.b)) for pair in chosen}
    alone: dict[Head, Tensor] = {}
    paths: dict[tuple[Head, Head], Tensor] = {}

    def path(sender: Head, receiver: Head) -> Float[Tensor, " prompt"]:
        if (sender, receiver) not in paths:
            paths[sender, receiver] = ablation.path_effect(sender, receiver)
        return paths[sender, receiver]

    def estimate(samples: Float[Tensor, " prompt"]) -> Estimate:
        mean, low, high = mean_interval(samples.double(), confidence)
        return number(mean), number(low), number(high)

    for at, (a, b, value, q) in enumerate(chosen):
        for head in (a, b):
            if head not in alone:
                alone[head] = ablation.effect([head])
        both = ablation.effect([a, b])
        direct, null = NOTHING, (None, None)
        if a.layer < b.layer:
            direct = estimate(path(a, b))
            null = _null(path, random_paths(a, b, n_heads, known, seed + at), confidence)
        pair = CoordinatedPair(
            a=str(a),
            b=str(b),
            value=value,
            q=q,
            **_named("path", direct),
            path_null_low=null[0],
            path_null_high=null[1],
            **_named("interaction", estimate(both - alone[a] - alone[b])),
            **_named("effect_a", estimate(alone[a])),
            **_named("effect_b", estimate(alone[b])),
            **_named("effect_ab", estimate(both)),
            **_named("contribution_a", estimate(ablation.contribution(a))),
            **_named("contribution_b", estimate(ablation.contribution(b))),
        )
        yield judge(pair, ablation.rounding)


def judge(pair: CoordinatedPair, rounding: float = 0.0) -> CoordinatedPair:
    """The pair with the type and sign that its evidence allows; an effect up to `rounding` is none.

    `HeadCoordination.pairs` says what the types mean.
    """
    interacts = _excludes_0(pair, "interaction", rounding)
    sign = None
    if interacts:
        sign = "redundancy" if (pair.interaction or 0) > 0 else "synergy"
    return replace(pair, type=_type(pair, interacts, rounding), sign=sign)


def _type(pair: CoordinatedPair, interacts: bool | None, rounding: float) -> str:
    # Between heads of one layer there is no path.
    serial = False if pair.path is None else _excludes_0(pair, "path", rounding)
    low, high = pair.path_null_low, pair.path_null_high
    if serial and pair.path is not None and low is not None and high is not None:
        serial = not low - rounding <= pair.path <= high + rounding
    if serial:
        return "serial"
    if serial is None or interacts is None:
        return "not resolved"
    if not interacts:
        return "parallel"
    reaches_metric = [
        any(_excludes_0(pair, f"{kind}_{name}", rounding) for kind in ("contribution", "effect"))
        for name in "ab"
    ]
    return "aggregation" if all(reaches_metric) else "not resolved"


def _excludes_0(pair: CoordinatedPair, name: str, rounding: float) -> bool | None:
    """Whether an effect is there for sure; None: there is no interval to tell."""
    value, low, high = (getattr(pair, f"{name}{end}") for end in ("", "_low", "_high"))
    if low is None or high is None:
        return None
    return (low > 0 or high < 0) and abs(value) > rounding


def _null(
    path: Callable[[Head, Head], Tensor], drawn: Sequence[tuple[Head, Head]], confidence: float
) -> tuple[float | None, float | None]:
    """Between what the effect of one more random path would be.

    Robust, because among few heads some of the random paths are as real as the one in question.
    """
    effects = [float(path(sender, receiver).mean()) for sender, receiver in drawn]
    _, low, high = further_draw(torch.tensor(effects, dtype=torch.float64), confidence, robust=True)
    return number(low), number(high)


def _named(name: str, estimate: Estimate) -> dict[str, Any]:
    """An estimate as fields of a pair."""
    return dict(zip((name, f"{name}_low", f"{name}_high"), estimate, strict=True))
