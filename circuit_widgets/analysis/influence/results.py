"""What `compute_self_influence` gives: effects of replaced tokens on one output."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.causal.metrics import ROUNDING
from circuit_widgets.results.result import Result
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import t_quantile

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True)
class Settings:
    """The arguments of `compute_self_influence`, checked, as provenance keeps them."""

    position: int | None
    target: int | str | None
    metric: str
    mode: str
    draws: int
    seed: int
    generate: int
    all_pairs: bool
    batch: int
    confidence: float


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class SelfInfluence(Result, topic="influence"):
    """What replacing each token of a text does to the output at one position.

    Positions count from 0 over the whole text: the prompt, and what the model was asked to add.
    Effects are means over the draws; `low` and `high` are Student's t intervals over them, which
    hold for this text, not for others. NaN: later than `position`, a BOS, not computed yet, or not
    computed in this mode.

    Attributes:
        tokens, ids: The text, [pos]; its first `n_prompt` tokens are the prompt.
        position: Whose output is read; `target` is the token (id) whose probability is read there.
        metric: What was asked for: "logp", "kl" or "norm".
        mode: "exact", or "fast": then `logp` is a first order estimate.
        logp: Log-probability of the target with the token minus without it, in nats, [pos].
            Positive: the token helped. `logp_sem` is the standard error over draws.
        kl: KL(clean || corrupted) over the vocabulary, in nats, [pos].
        norm: L2 norm of the change of all logits, for one random token, [pos]. It has no sign and
            grows with the size of the logits.
        matrix: As `logp`, of the token after each position, [source, query]; the last query's is
            the target. NaN where the source comes after the query. `matrix_sem` likewise.
        own, prompt: For each generated token the sum of |mean effect| of the model's own earlier
            outputs and of the prompt, [generated]. A sum of absolute values is never 0 by noise
            alone: `control` is what its standard errors alone would make of effects that are 0.
        generated_logp: Log probability of each generated token, in nats, [generated].
        screen_rho: Spearman's rank correlation of the estimates with exact effects at a sample of
            positions (those where `kl` is there), [].

    >>> import circuit_widgets as cw
    >>> effects = cw.compute_self_influence(cw.load_model(), "blue dog seven blue dog", draws=3)
    >>> effects.logp.value.shape, effects.tokens[effects.position]
    (torch.Size([6]), 'dog')
    """

    tokens: tuple[str, ...]
    ids: tuple[int, ...]
    n_prompt: int
    position: int
    target: int
    target_token: str
    metric: str
    mode: str
    logp: Score
    logp_sem: Float[Tensor, " pos"]
    kl: Score
    norm: Float[Tensor, " pos"] | None = None
    matrix: Float[Tensor, "source query"] | None = None
    matrix_sem: Float[Tensor, "source query"] | None = None
    own: Score | None = None
    prompt: Score | None = None
    generated_logp: Float[Tensor, " generated"] | None = None
    screen_rho: Float[Tensor, ""] | None = None

    def __post_init__(self) -> None:
        n = len(self.ids)
        shapes = {
            "tokens": (len(self.tokens),),
            **{name: tuple(getattr(self, name).value.shape) for name in ("logp", "kl")},
            "logp_sem": tuple(self.logp_sem.shape),
        }
        for name, shape in shapes.items():
            if shape != (n,):
                raise ValueError(f"{name} has shape {list(shape)}; accepted is [{n}], as ids")
        if self.matrix is not None and self.matrix.shape != (n, n):
            raise ValueError(f"matrix has shape {list(self.matrix.shape)}; accepted is [{n}, {n}]")

    @property
    def score(self) -> Score:
        """The effects in the metric that was asked for."""
        if self.metric == "norm" and self.norm is not None:
            missing = torch.full_like(self.norm, math.nan)
            return Score(value=self.norm, low=missing, high=missing.clone())
        return self.kl if self.metric == "kl" else self.logp

    def sources(self, n: int = 10) -> list[tuple[int, str, float, float, float]]:
        """The positions with an effect: (position, token, effect, low, high), the strongest first.

        Only those whose interval excludes 0, by more than rounding. With metric "norm" there is no
        interval: all positions, by their norm.
        """
        score = self.score
        assert score.low is not None and score.high is not None
        found = score.value.abs() > ROUNDING
        if self.metric != "norm":
            found &= (score.low > 0) | (score.high < 0)
        at = found.nonzero().flatten().tolist()
        at.sort(key=lambda position: (-abs(float(score.value[position])), position))
        return [
            (
                position,
                self.tokens[position],
                float(score.value[position]),
                float(score.low[position]),
                float(score.high[position]),
            )
            for position in at[:n]
        ]

    def to_frame(self) -> pd.DataFrame:
        """One row per score, source and query; `df.attrs` has the provenance.

        Scores are logp, kl and, where they are, norm (at `position`) and pair (at each query).
        """
        import pandas as pd

        made, n = self.provenance, len(self.ids)
        settings = made.settings(Settings)
        scores = {"logp": self.logp, "kl": self.kl}
        if self.norm is not None:
            scores["norm"] = Score(value=self.norm)
        at = list(range(n))
        parts = [
            self._rows(name, at, [self.position] * n, score.columns())
            for name, score in scores.items()
        ]
        if self.matrix is not None and self.matrix_sem is not None:
            source, query = self.matrix.isfinite().nonzero().T
            value, sem = (each[source, query] for each in (self.matrix, self.matrix_sem))
            half = t_quantile(settings.confidence, settings.draws - 1) * sem
            score = Score(value=value, low=value - half, high=value + half)
            parts.append(self._rows("pair", source.tolist(), query.tolist(), score.columns()))
        frame = pd.concat(parts, ignore_index=True).assign(n=settings.draws, complete=made.complete)
        frame.attrs["provenance"] = dataclasses.asdict(made)
        return frame

    def _rows(
        self, name: str, source: list[int], query: list[int], columns: dict[str, Any]
    ) -> pd.DataFrame:
        import pandas as pd

        where = {
            "source": source,
            "token": [self.tokens[position] for position in source],
            "generated": [position >= self.n_prompt for position in source],
            "query": query,
        }
        return pd.DataFrame({"score": name, **where, **columns})

    def _lines(self) -> list[str]:
        at = f"after position {self.position}"
        measure = {
            "logp": f"The log-probability of {self.target_token!r} {at} is higher with the token "
            "than without it by (nats):",
            "kl": f"The KL divergence of the output {at} without the token from the output with it "
            "is (nats):",
            "norm": f"The L2 norm of the change of the logits {at} without the token is:",
        }
        sure = self.provenance.interval
        lines = [measure[self.metric]]
        for position, token, effect, low, high in self.sources(5):
            span = "" if low != low else f" ({sure} {low:.2f} to {high:.2f})"
            lines.append(f"{position} {token!r}: {effect:+.2f}{span}")
        if len(lines) == 1:
            lines = [f"No position's effect on the output {at} has a {sure} that excludes 0"]
        if self.screen_rho is not None:
            n = int(self.kl.value.isfinite().sum())
            lines.append(
                "The effects are first-order estimates; their rank correlation with exact effects "
                f"at {n} positions is {float(self.screen_rho):.2f}"
            )
        if self.own is not None and self.prompt is not None and len(self.own.value):
            own, prompt = (float(each.value.nanmean()) for each in (self.own, self.prompt))
            lines.append(
                f"The mean influence on a generated token is {own:.2f} nats from the model's own "
                f"earlier tokens and {prompt:.2f} nats from the prompt"
            )
        return lines
