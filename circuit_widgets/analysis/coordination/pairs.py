"""How two heads work together: what is lost without one, the other and both, and what one says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.causal.ablation import Ablation
from circuit_widgets.causal.random_heads import random_paths
from circuit_widgets.heads import Head
from circuit_widgets.statistics.intervals import further_draw, mean_interval
from circuit_widgets.wire.numbers import number

Pair = dict[str, Any]


def type_pairs(
    ablation: Ablation,
    chosen: Sequence[tuple[Head, Head, float, float]],
    n_heads: int,
    confidence: float,
    seed: int,
) -> Iterator[Pair]:
    """Every chosen (a, b, value, q), a not in a later layer than b, with its type and its evidence.

    A pair is a plain dictionary, ready for JSON; a number that does not exist is None.
    """
    together = {frozenset((a, b)) for a, b, _, _ in chosen}
    alone: dict[Head, Tensor] = {}
    paths: dict[tuple[Head, Head], Tensor] = {}

    def path(sender: Head, receiver: Head) -> Tensor:
        if (sender, receiver) not in paths:
            paths[sender, receiver] = ablation.path_effect(sender, receiver)
        return paths[sender, receiver]

    for at, (a, b, value, q) in enumerate(chosen):
        for head in (a, b):
            if head not in alone:
                alone[head] = ablation.effect([head])
        both = ablation.effect([a, b])
        pair: Pair = {"a": str(a), "b": str(b), "value": value, "q": q, "type": "unclear"}
        pair |= dict.fromkeys(("path", "path_low", "path_high", "path_null_low", "path_null_high"))
        if a.layer < b.layer:
            pair |= _interval("path", path(a, b), confidence)
            compared = random_paths(a, b, n_heads, together, seed + at)
            pair |= _null([float(path(*each).mean()) for each in compared], confidence)
        pair |= _interval("interaction", both - alone[a] - alone[b], confidence)
        for name, effect in {"a": alone[a], "b": alone[b], "ab": both}.items():
            pair |= _interval(f"effect_{name}", effect, confidence)
        for name, head in {"a": a, "b": b}.items():
            pair |= _interval(f"contribution_{name}", ablation.contribution(head), confidence)
        pair["type"], pair["sign"] = judge(pair, ablation.rounding)
        yield pair


def judge(pair: Pair, rounding: float = 0.0) -> tuple[str, str | None]:
    """Type and sign of a pair by its evidence; an effect up to `rounding` is none."""
    interacts = _excludes_0(pair, "interaction", rounding)
    sign = None
    if interacts:
        sign = "redundancy" if pair["interaction"] > 0 else "synergy"
    # Between heads of one layer there is no path.
    serial = _excludes_0(pair, "path", rounding) if pair["path"] is not None else False
    low, high = pair["path_null_low"], pair["path_null_high"]
    if serial and low is not None:
        serial = not low - rounding <= pair["path"] <= high + rounding
    if serial:
        return "serial", sign
    if serial is None or interacts is None:
        return "unclear", sign
    if not interacts:
        return "parallel", sign
    reach = [
        any(_excludes_0(pair, f"{kind}_{name}", rounding) for kind in ("contribution", "effect"))
        for name in "ab"
    ]
    return ("aggregation" if all(reach) else "unclear"), sign


def _excludes_0(pair: Pair, name: str, rounding: float) -> bool | None:
    """Whether an effect is there for sure; None: there is no interval to tell."""
    low, high = pair[f"{name}_low"], pair[f"{name}_high"]
    if low is None or high is None:
        return None
    return (low > 0 or high < 0) and abs(pair[name]) > rounding


def _null(effects: Sequence[float], confidence: float) -> Pair:
    """Between what one more random path would be.

    By the median and the median deviation: among few heads, some of the random paths are as real as
    the one in question, and one strong path must not hide the others.
    """
    values = torch.tensor(effects, dtype=torch.float64)
    _, low, high = further_draw(values, confidence, robust=True)
    return {"path_null_low": number(low), "path_null_high": number(high)}


def _interval(name: str, samples: Float[Tensor, " prompt"], confidence: float) -> Pair:
    found = mean_interval(samples.double(), confidence)
    names = (name, f"{name}_low", f"{name}_high")
    return {key: number(value) for key, value in zip(names, found, strict=True)}
