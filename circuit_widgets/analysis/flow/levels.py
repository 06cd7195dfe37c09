"""Levels of a model: stretches of layers that do alike, and the evidence of each layer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.analysis.flow.profiles import ATTENTION, INTO, LENS, OUT
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import mean_interval
from circuit_widgets.statistics.plateaus import Plateaus, plateaus

FEATURES = (*ATTENTION, LENS, INTO, OUT)
NAMES = ("low", "middle", "high")


@dataclasses.dataclass(frozen=True)
class Level:
    """Layers that do alike.

    Attributes:
        name: "embedding", "low", "middle", "high" or "output": its place in the order of depth.
        first, last: Its layers; -1 is the embedding, the number of layers the output.
        first_low, first_high: Interval over prompts of where it begins; the same where it begins
            where every model does.
    """

    name: str
    first: int
    last: int
    first_low: int
    first_high: int


@dataclasses.dataclass(frozen=True)
class Levels:
    """The levels of a model, or the reason why it has none.

    Attributes:
        found: From the embedding to the output; empty where there are none.
        why: Why there are none, as a clause; "" where there are.
        fit: The best three stretches, and how well they do; None where none could be looked for.
    """

    found: tuple[Level, ...]
    why: str
    fit: Plateaus | None


def profile_of(
    measured: Float[Tensor, "prompt layer feature"],
    between: Float[Tensor, "prompt source_layer target_layer"],
) -> Float[Tensor, "prompt layer feature"]:
    """What was measured of each layer, with the flows into it and out of it."""
    into, out = between[:, :, :-1].sum(1), between[:, 1:].sum(2)
    return torch.cat([measured, into[..., None], out[..., None]], -1)


def evidence(
    profile: Float[Tensor, "prompt layer feature"], confidence: float
) -> Mapping[str, Score]:
    """Of each feature the mean over prompts by layer, with its interval."""
    value, low, high = mean_interval(profile, confidence)
    return {
        name: Score(value[:, at].clone(), low=low[:, at].clone(), high=high[:, at].clone())
        for at, name in enumerate(FEATURES)
    }


def levels_of(
    profile: Float[Tensor, "prompt layer feature"], confidence: float, seed: int
) -> Levels:
    """Three stretches of layers, if there are three."""
    fit = plateaus(profile, confidence, seed)
    if isinstance(fit, str):
        return Levels((), fit, None)
    if not fit.there:
        return Levels((), fit.why, fit)
    n_layers = profile.shape[1]
    starts = (-1, 0, *fit.starts, n_layers)
    lows, highs = ((-1, 0, *ends, n_layers) for ends in (fit.low, fit.high))
    lasts = (*(start - 1 for start in starts[1:]), n_layers)
    names = ("embedding", *NAMES, "output")
    found = zip(names, starts, lasts, lows, highs, strict=True)
    return Levels(tuple(Level(*each) for each in found), "", fit)
