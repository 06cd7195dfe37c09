"""What `compute_self_influence` gives: effects of replaced tokens on one output."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets.causal.metrics import ROUNDING
from circuit_widgets.results.result import Result
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import t_quantile

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class SelfInfluence(Result, topic="influence"):
    """What replacing each token of a text does to the output at one position.

    Positions count from 0 over the whole text: the prompt, and what the model was asked to add.
    Effects are means over replacements. Of draws, `low` and `high` are Student's t intervals, which
    hold for this text, not for others. Where all replacements were put in place (`enumerated`) a
    mean has no sampling error, and so no interval: NaN. NaN is also what is later than `position`,
    a BOS, or not computed yet.

    Attributes:
        tokens, ids: The text, [pos]; its first `n_prompt` tokens are the prompt.
        position: Whose output is read; `target` is the token (id) whose probability is read there,
            `against_token` the one that it is held against, if there is one: then `logp` is of the
            difference of both log-probabilities, which is that of their logits.
        metric: What was asked for: "logp", "kl" or "norm".
        enumerated: Whether all replacements were put in place, weighted by how often they occur in
            the text, and not draws. `n_replacements`: how many of them, or how many draws, [pos].
        logp: Log-probability of the target with the token minus without it, in nats, [pos].
            Positive: the token helped. `logp_sem` is the standard error over draws; `logp_spread`
            the standard deviation over replacements: how much it depends on the one.
        kl: KL(clean || corrupted) over the vocabulary, in nats, [pos]. With metric "kl" its control
            is that of random changes of the embedding that are as large as the change to another
            token: their mean, and in `control_low` and `control_high` the least and the most of
            them. A KL above the most of 19 would come from one more random change with a
            probability of 5 %.
        norm: L2 norm of the change of all logits, for one random token, [pos]. It has no sign and
            grows with the size of the logits.
        matrix: As `logp`, of the token after each position, [source, query]; the last query's is
            the target. NaN where the source comes after the query. `matrix_sem`: standard errors
            over draws.
        own, prompt: For each generated token the mean |mean effect| of one of the model's own
            earlier outputs and of one token of the prompt, in nats, [generated]. The token that
            stands right before it, which is being read, is left out of both: nearly every output
            depends on that most. NaN: no other token. A mean of absolute values is never 0 by
            noise: `control` is what the standard errors alone would make of effects that are 0; 0
            without sampling error. Own outputs are nearer than the prompt, and nearer tokens matter
            more in most texts: the two are a description, and their difference no test.
        generated_logp: Log probability of each generated token, in nats, [generated].

    >>> import circuit_widgets as cw
    >>> effects = cw.compute_self_influence(cw.load_model(), "blue dog seven blue dog")
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
    enumerated: bool
    n_replacements: Int[Tensor, " pos"]
    logp: Score
    logp_sem: Float[Tensor, " pos"]
    logp_spread: Float[Tensor, " pos"]
    kl: Score
    norm: Float[Tensor, " pos"] | None = None
    matrix: Float[Tensor, "source query"] | None = None
    matrix_sem: Float[Tensor, "source query"] | None = None
    own: Score | None = None
    prompt: Score | None = None
    against_token: str | None = None
    generated_logp: Float[Tensor, " generated"] | None = None

    def __post_init__(self) -> None:
        n = len(self.ids)
        shapes = {
            "tokens": (len(self.tokens),),
            **{name: tuple(getattr(self, name).value.shape) for name in ("logp", "kl")},
            **{
                name: tuple(getattr(self, name).shape)
                for name in ("logp_sem", "logp_spread", "n_replacements")
            },
        }
        for name, shape in shapes.items():
            if shape != (n,):
                raise ValueError(f"{name} has shape {list(shape)}; accepted is [{n}], as ids")
        if self.matrix is not None and self.matrix.shape != (n, n):
            raise ValueError(f"matrix has shape {list(self.matrix.shape)}; accepted is [{n}, {n}]")

    @property
    def measured(self) -> str:
        """What `logp` is of, for people."""
        if self.against_token is None:
            return f"log-probability of {self.target_token!r}"
        return f"logit difference of {self.target_token!r} against {self.against_token!r}"

    @property
    def score(self) -> Score:
        """The effects in the metric that was asked for."""
        if self.metric == "norm" and self.norm is not None:
            missing = torch.full_like(self.norm, math.nan)
            return Score(value=self.norm, low=missing, high=missing.clone())
        return self.kl if self.metric == "kl" else self.logp

    @property
    def replaced_by(self) -> str:
        """What the tokens were replaced by, in words."""
        counts = self.n_replacements[self.n_replacements > 0]
        if not len(counts):
            return "nothing"
        least, most = int(counts.min()), int(counts.max())
        probe = self.provenance.probe
        if not self.enumerated:
            return f"{most} draw{'s' * (most > 1)} from {probe}"
        n = str(most) if least == most else f"{least} to {most}"
        of = "all other tokens of the text" if probe == "tokens of the text" else f"all of {probe}"
        return f"{of} ({n} at each position)"

    def sources(self, n: int = 10) -> list[tuple[int, str, float, float, float]]:
        """The positions with an effect: (position, token, effect, low, high), the strongest first.

        With metric "logp" those whose effect is more than rounding, and of draws those whose
        interval excludes 0. With "kl" those whose KL (of draws, the low end of its interval) is
        above that of every random change of equal size. With "norm" there is neither: all
        positions, by their norm.
        """
        score = self.score
        assert score.low is not None and score.high is not None
        found = score.value.abs() > ROUNDING
        if self.metric == "kl" and score.control_high is not None:
            sure = score.value if self.enumerated else score.low
            found &= sure > score.control_high
        elif self.metric == "logp" and not self.enumerated:
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

        `n` is the number of replacements (`enumerated`: all there are) or draws. Scores are logp,
        kl and, where they are, norm (at `position`) and pair (at each query).
        """
        import pandas as pd

        made, n = self.provenance, len(self.ids)
        scores = {"logp": self.logp, "kl": self.kl}
        confidence = float(made.parameters["confidence"])
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
            # Of draws there are as many at each position; without them `sem` is missing.
            draws = max(2, int(self.n_replacements.max()))
            half = t_quantile(confidence, draws - 1) * sem
            score = Score(value=value, low=value - half, high=value + half)
            parts.append(self._rows("pair", source.tolist(), query.tolist(), score.columns()))
        frame = pd.concat(parts, ignore_index=True)
        counts = self.n_replacements[torch.tensor(frame["source"].to_numpy())].numpy()
        frame = frame.assign(n=counts, enumerated=self.enumerated, complete=made.complete)
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
            "logp": f"The {self.measured} {at} is higher with the token than without it by (nats):",
            "kl": f"The KL divergence of the output {at} without the token from the output with it "
            "is (nats):",
            "norm": f"The L2 norm of the change of the logits {at} without the token is:",
        }
        lines = [f"Each token is replaced by {self.replaced_by}", measure[self.metric]]
        lines += [self._line(*source) for source in self.sources(5)] or [self._nothing()]
        if self.own is not None and self.prompt is not None and len(self.own.value):
            lines.append(self._split(self.own, self.prompt))
        return lines

    def _line(self, position: int, token: str, effect: float, low: float, high: float) -> str:
        said = []
        if low == low:
            said.append(f"{self.provenance.interval} {low:.2f} to {high:.2f}")
        elif self.metric == "logp":
            spread = float(self.logp_spread[position])
            said.append(f"standard deviation over replacements {spread:.2f}")
        if self.metric == "kl" and self.kl.control_high is not None:
            most = float(self.kl.control_high[position])
            said.append(f"random changes of equal size: at most {most:.2f}")
        return f"{position} {token!r}: {effect:+.2f}" + (f" ({'; '.join(said)})" if said else "")

    def _nothing(self) -> str:
        at = f"No position's effect on the output after position {self.position}"
        if self.metric == "kl":
            return f"{at} is above that of every random change of equal size"
        if self.enumerated or self.metric == "norm":
            return f"{at} is more than rounding"
        return f"{at} has a {self.provenance.interval} that excludes 0"

    def _split(self, own: Score, prompt: Score) -> str:
        def mean(tensor: Tensor | None) -> str:
            number = math.nan if tensor is None else float(tensor.nanmean())
            return f"{number:.2f}" if number == number else "none (no such token)"

        by = "there is no sampling error"
        if not self.enumerated:
            by = f"draws alone would make {mean(own.control)} and {mean(prompt.control)}"
        return (
            "The mean influence on a generated token, of one token other than the one right before "
            f"it, is {mean(own.value)} nats for the model's own earlier tokens and "
            f"{mean(prompt.value)} nats for tokens of the prompt ({by})"
        )
