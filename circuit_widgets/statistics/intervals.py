"""How sure a mean over a few sequences is: Student's t interval."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from scipy.special import stdtrit
from torch import Tensor

from circuit_widgets.results.score import Score


def score_of(
    samples: Float[Tensor, "sample ..."],
    control: Float[Tensor, "sample ..."] | None,
    confidence: float,
    chance: float | None = None,
) -> Score:
    """A score from one value per sequence, with its nulls."""
    value, low, high = mean_interval(samples, confidence)
    nulls = {} if chance is None else {"chance": torch.tensor(chance)}
    if control is not None:
        names = ("control", "control_low", "control_high")
        nulls |= dict(zip(names, mean_interval(control, confidence), strict=True))
    return Score(value=value, low=low, high=high, **nulls)


def mean_interval(
    samples: Float[Tensor, "sample ..."], confidence: float
) -> tuple[Float[Tensor, "*heads"], Float[Tensor, "*heads"], Float[Tensor, "*heads"]]:
    """Mean over samples, and the low and high end of its two-sided confidence interval.

    t, not a bootstrap: with the 4 to 30 sequences of a probe a percentile bootstrap is too narrow
    (it lacks both the n - 1 and the wider tails of t), and t needs no random numbers. It takes the
    means of independent sequences to be about normal; it may reach outside of [0, 1], and is not
    clipped, because a clipped end would look like certainty.

    With one sample nothing is known about the spread: both ends are NaN.
    """
    n = samples.shape[0]
    mean = samples.mean(0)
    if n < 2:
        missing = torch.full_like(mean, math.nan)
        return mean, missing, missing.clone()
    half = t_quantile(confidence, n - 1) * samples.std(0) / math.sqrt(n)
    return mean, mean - half, mean + half


def t_quantile(confidence: float, freedom: int) -> float:
    """T with P(|T| < t) = confidence, for some degrees of freedom."""
    return float(stdtrit(freedom, (1 + confidence) / 2))


def null_of(effects: Float[Tensor, " control"], confidence: float) -> Float[Tensor, 2]:
    """Mean of control effects, and what one more of them would stay below (Student's t).

    With one control nothing is known about the spread: no bound.
    """
    n = len(effects)
    if not n:
        return torch.full((2,), torch.nan)
    mean = effects.mean()
    if n < 2:
        return torch.stack([mean, torch.tensor(torch.nan)])
    reach = t_quantile(confidence, n - 1) * (1 + 1 / n) ** 0.5
    return torch.stack([mean, mean + reach * effects.std()])
