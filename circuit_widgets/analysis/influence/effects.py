"""Effects of replaced tokens as they come in, and what they sum up to."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.prompts.replacements import Replacements
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import mean_interval, t_quantile


class Effects:
    """Effects by replacement and position; NaN where none has come in.

    Attributes:
        samples: By name (logp, kl, norm), [replacement, pos].
        random: KL of random changes of equal size, [change, pos], or None.
        matrix, sem: Mean effects of pairs and their standard errors, [source, query], or None. Of
            all replacements there is no standard error: NaN.
        clean: Log probability of the token after each query in the text as it is, [query].
    """

    def __init__(
        self, n: int, put: Replacements, pairs: bool, confidence: float, random: int = 0
    ) -> None:
        self._confidence, self._every = confidence, put.every
        self._draws = put.put.shape[1]
        self._share = torch.zeros(self._draws, n)
        self._share[:, : len(put.share)] = put.share.T
        shape = (self._draws, n)
        self.samples = {name: torch.full(shape, math.nan) for name in ("logp", "kl", "norm")}
        self.random = torch.full((random, n), math.nan) if random else None
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
            share = self._share[:, positions].T[..., None]
            self.matrix[positions, :read] = (share * pairs).sum(1)
            if self._draws > 1 and not self._every:
                self.sem[positions, :read] = pairs.std(1) / math.sqrt(self._draws)

    def score(self, name: str) -> Score:
        """Means over replacements, [pos], with intervals where those are draws.

        Of random changes `control` is the mean, `control_low` the least and `control_high` the
        most.
        """
        samples = self.samples[name]
        if self._every:
            value = (self._share * samples).sum(0)
            low = high = torch.full_like(value, math.nan)
        else:
            value, low, high = mean_interval(samples, self._confidence)
        nulls = {}
        if name == "kl" and self.random is not None:
            nulls = {
                "control": self.random.mean(0),
                "control_low": self.random.amin(0),
                "control_high": self.random.amax(0),
            }
        return Score(value=value, low=low, high=high.clone(), **nulls)

    def spread(self, name: str) -> Float[Tensor, " pos"]:
        """Standard deviation over the replacements, by their shares; of draws the sample's."""
        samples = self.samples[name]
        if self._every:
            mean = (self._share * samples).sum(0)
            return (self._share * (samples - mean).square()).sum(0).sqrt()
        if self._draws < 2:
            return torch.full(samples.shape[1:], math.nan)
        return samples.std(0)

    def standard_error(self, name: str) -> Float[Tensor, " pos"]:
        """Of the means over draws; NaN without draws."""
        spread = self.spread(name)
        return torch.full_like(spread, math.nan) if self._every else spread / math.sqrt(self._draws)

    def influence(self, queries: range, sources: Sequence[Sequence[int]]) -> Score:
        """Mean |mean effect| of each query's sources, [query]; NaN where it has none.

        Intervals take the sources' errors to be independent. `control` is the mean that effects of
        0 would have with these errors: |mean| of a normal is sqrt(2/pi) of its standard error. All
        replacements have no errors: 0, and no interval.
        """
        assert self.matrix is not None and self.sem is not None
        values, errors, nulls = [], [], []
        for query, rows in zip(queries, sources, strict=True):
            at = list(rows)
            sems = self.sem[at, query]
            values.append(self.matrix[at, query].abs().mean())
            errors.append(sems.square().sum().sqrt() / max(1, len(at)))
            nulls.append(sems.mean() * math.sqrt(2 / math.pi))
        value, error, null = (torch.stack(each) for each in (values, errors, nulls))
        if self._every:
            null = torch.zeros_like(value).where(value.isfinite(), math.nan)
        quantile = t_quantile(self._confidence, self._draws - 1) if self._draws > 1 else math.nan
        half = quantile * error
        # Where there is no source there is no error either.
        half = half.where(value.isfinite(), math.nan)
        return Score(value=value, low=value - half, high=value + half, control=null)
