"""Effects of replaced tokens as they come in, and what they sum up to."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from scipy.stats import spearmanr
from torch import Tensor

from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import mean_interval, t_quantile


class Effects:
    """Effects by draw and position; NaN where none has come in.

    Attributes:
        samples: By name (logp, kl, norm), [draw, pos].
        matrix, sem: Mean effects of pairs and their standard errors, [source, query], or None.
        clean: Log probability of the token after each query in the text as it is, [query].
    """

    def __init__(self, n: int, draws: int, pairs: bool, confidence: float) -> None:
        self._confidence, self._draws = confidence, draws
        self.samples = {name: torch.full((draws, n), math.nan) for name in ("logp", "kl", "norm")}
        self.clean: Float[Tensor, " query"] = torch.empty(0)
        self.matrix = torch.full((n, n), math.nan) if pairs else None
        self.sem = torch.full((n, n), math.nan) if pairs else None

    def add(self, positions: list[int], found: dict[str, Tensor]) -> None:
        """Put in what `Corruption.passes` gave for some positions."""
        for name, samples in self.samples.items():
            samples[:, positions] = found[name].T
        if self.matrix is not None and self.sem is not None:
            pairs = found["pairs"]
            read = pairs.shape[-1]
            self.matrix[positions, :read] = pairs.mean(1)
            if self._draws > 1:
                self.sem[positions, :read] = pairs.std(1) / math.sqrt(self._draws)

    def score(self, name: str) -> Score:
        """Means over draws and their intervals, [pos]."""
        value, low, high = mean_interval(self.samples[name], self._confidence)
        return Score(value=value, low=low, high=high)

    def standard_error(self, name: str) -> Float[Tensor, " pos"]:
        """Of the means over draws."""
        samples = self.samples[name]
        if self._draws < 2:
            return torch.full(samples.shape[1:], math.nan)
        return samples.std(0) / math.sqrt(self._draws)

    def influence(self, queries: range, sources: list[range]) -> Score:
        """Sum of |mean effect| of each query's sources, [query].

        Intervals take the sources' errors to be independent. `control` is the sum that effects of 0
        would have with these errors: |mean| of a normal is sqrt(2/pi) of its standard error.
        """
        assert self.matrix is not None and self.sem is not None
        values, errors, nulls = [], [], []
        for query, rows in zip(queries, sources, strict=True):
            effects, sems = (
                self.matrix[rows.start : rows.stop, query],
                self.sem[rows.start : rows.stop, query],
            )
            values.append(effects.abs().sum())
            errors.append(sems.square().sum().sqrt())
            nulls.append(sems.sum() * math.sqrt(2 / math.pi))
        value, error, null = (torch.stack(each) for each in (values, errors, nulls))
        quantile = t_quantile(self._confidence, self._draws - 1) if self._draws > 1 else math.nan
        half = quantile * error
        # Without sources nothing is uncertain: 0, whatever the number of draws.
        half = torch.where(value == 0, torch.zeros_like(half), half)
        return Score(value=value, low=value - half, high=value + half, control=null)


def rank_correlation(one: Float[Tensor, " n"], other: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """Spearman's; NaN where one of them is constant, or there are fewer than three.

    >>> rank_correlation(torch.tensor([1.0, 2.0, 9.0]), torch.tensor([3.0, 5.0, 6.0]))
    tensor(1.)
    """
    if len(one) < 3 or any(bool((each == each[0]).all()) for each in (one, other)):
        return torch.tensor(math.nan)
    rho, _ = spearmanr(one.numpy(), other.numpy())
    return torch.tensor(rho, dtype=torch.float32)
