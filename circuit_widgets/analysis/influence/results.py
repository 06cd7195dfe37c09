"""What `compute_self_influence` gives: effects of replaced tokens on one output."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets.analysis.influence.columns import InfluencedPrompt, tokens_at
from circuit_widgets.analysis.influence.frame import frame_by_prompt, frame_of
from circuit_widgets.analysis.influence.text import lines_of
from circuit_widgets.causal.metrics import ROUNDING
from circuit_widgets.prompts.characters import quoted
from circuit_widgets.results.result import Result
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import mean_of_known

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

    Of several prompts (`prompts`) numbers are means over prompts, aligned at the output that is
    read, and `low` and `high` are Student's t intervals over prompts: how sure the mean is for
    further prompts like these. What a single prompt has is in `logp_by_prompt` and `kl_by_prompt`
    (`low` and `high` over its draws, if there are any) and in `norm_by_prompt`, [prompt, pos].

    Attributes:
        tokens, ids: The text, [pos]; its first `n_prompt` tokens are the prompt. Of several prompts
            whose tokens differ there, `⟨Mary⟩+3` is the commonest token and how many others there
            are (`others`), and the id is -1.
        position: Whose output is read; `target` is the token (id) whose probability is read there,
            `against_token` the one that it is held against, if there is one: then `logp` is of the
            difference of both log-probabilities, which is that of their logits. Of several prompts
            that have different ones -1 and "".
        metric: What was asked for: "logp", "kl" or "norm".
        enumerated: Whether all replacements were put in place, weighted by how often they occur in
            the text, and not draws. `n_replacements`: how many of them, or how many draws, [pos];
            of several prompts in that with the fewest.
        logp: Log-probability of the target with the token minus without it, in nats, [pos].
            Positive: the token helped. `logp_sem` is the standard error over draws; `logp_spread`
            the standard deviation over replacements: how much it depends on the one. Of several
            prompts both are over prompts.
        kl: KL(clean || corrupted) over the vocabulary, in nats, [pos]. With metric "kl" its control
            is that of random changes of the embedding that are as large as the change to another
            token: their mean, and in `control_low` and `control_high` the least and the most of
            them. A KL above the most of 19 would come from one more random change with a
            probability of 5 %. Of several prompts these are means of one random change a prompt.
        norm: L2 norm of the change of all logits, for one random token, [pos]. It has no sign and
            grows with the size of the logits.
        matrix: As `logp`, of the token after each position, [source, query]; the last query's is
            the target. NaN where the source comes after the query. `matrix_sem`: standard errors
            over draws, of several prompts over prompts.
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
    prompts: tuple[InfluencedPrompt, ...] = ()
    logp_by_prompt: Score | None = None
    kl_by_prompt: Score | None = None
    norm_by_prompt: Float[Tensor, "prompt pos"] | None = None

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

    @classmethod
    def _from_earlier(
        cls,
        format: int,
        values: dict[str, Any],
        tensors: dict[str, Tensor],
        parameters: Mapping[str, Any],
    ) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Format 1 always drew, and had estimates without passes; its split was over other tokens.

        Raises:
            ValueError: Its numbers are such estimates.
        """
        values = dict(values)
        if values.pop("mode") != "exact":
            raise ValueError("its numbers are first-order estimates, which are no longer made")
        values.pop("screen_rho", None)
        # What was read right before an output counted as its source.
        split = ("own.", "prompt.")
        kept = {name: each for name, each in tensors.items() if not name.startswith(split)}
        draws = int(parameters["draws"])
        kept["n_replacements"] = torch.where(kept["logp.value"].isfinite(), draws, 0)
        kept["logp_spread"] = kept["logp_sem"] * math.sqrt(draws)
        return values | {"enumerated": False, "own": None, "prompt": None}, kept

    @property
    def n_prompts(self) -> int:
        """How many prompts are in it."""
        return len(self.prompts) or 1

    @property
    def n_at(self) -> Int[Tensor, " pos"]:
        """How many prompts have a token at each position whose effect was measured."""
        by_prompt = self.logp.value[None] if self.logp_by_prompt is None else self._logp_by_prompt
        return by_prompt.isfinite().sum(0)

    @property
    def _logp_by_prompt(self) -> Float[Tensor, "prompt pos"]:
        assert self.logp_by_prompt is not None
        return self.logp_by_prompt.value

    @property
    def by_distance(self) -> bool:
        """Whether the outputs are read at different positions, so that positions are distances."""
        return len({prompt.position for prompt in self.prompts}) > 1

    @property
    def interval(self) -> str:
        """What its intervals are, for people; without draws one prompt has none."""
        which = self.provenance.interval
        if self.prompts:
            return f"{which} over prompts"
        return which if self.enumerated else f"{which} over draws"

    def others(self, position: int) -> list[tuple[str, int]]:
        """The tokens that prompts have at a position, with how many have each, the commonest first.

        >>> import circuit_widgets as cw
        >>> texts = ["blue dog blue", "red dog red"]
        >>> result = cw.compute_self_influence(cw.load_model(), texts, progress=False)
        >>> result.tokens[1], result.others(1), result.others(2)
        ('⟨blue⟩+1', [('blue', 1), ('red', 1)], [('dog', 2)])
        """
        if not self.prompts:
            return [(self.tokens[position], 1)]
        return tokens_at(self.prompts, self._logp_by_prompt[:, position], position)

    @property
    def measured(self) -> str:
        """What `logp` is of, for people."""
        if not self.target_token:
            pairs = self.prompts[0].against_token is not None
            of = "the targets against the others" if pairs else "the targets"
            return f"{'logit difference' if pairs else 'log-probability'} of {of}"
        if self.against_token is None:
            return f"log-probability of {quoted(self.target_token)}"
        return (
            f"logit difference of {quoted(self.target_token)} against {quoted(self.against_token)}"
        )

    @property
    def score(self) -> Score:
        """The effects in the metric that was asked for."""
        if self.metric == "norm" and self.norm is not None:
            if self.norm_by_prompt is not None:
                confidence = float(self.provenance.parameters["confidence"])
                value, low, high = mean_of_known(self.norm_by_prompt, confidence)
                return Score(value=value, low=low, high=high)
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
        if self.prompts:
            least = min(prompt.fewest for prompt in self.prompts)
            most = max(prompt.most for prompt in self.prompts)
        probe = self.provenance.probe
        if not self.enumerated:
            return f"{most} draw{'s' * (most > 1)} from {probe}"
        n = str(most) if least == most else f"{least} to {most}"
        of = f"all other {probe}" if probe.startswith("tokens of") else f"all of {probe}"
        return f"{of} ({n} at each position)"

    def sources(self, n: int = 10) -> list[tuple[int, str, float, float, float]]:
        """The positions with an effect: (position, token, effect, low, high), the strongest first.

        With metric "logp" those whose effect is more than rounding, and of draws or of several
        prompts those whose interval excludes 0. With "kl" those whose KL (of draws or of several
        prompts the low end of its interval) is above that of every random change of equal size.
        With "norm" there is neither: all positions, by their norm.
        """
        score = self.score
        assert score.low is not None and score.high is not None
        estimated = bool(self.prompts) or not self.enumerated
        found = score.value.abs() > ROUNDING
        if self.metric == "kl" and score.control_high is not None:
            sure = score.low if estimated else score.value
            found &= sure > score.control_high
        elif self.metric == "logp" and estimated:
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

    def to_frame(self, *, by_prompt: bool = False) -> pd.DataFrame:
        """One row per score, source and query; `df.attrs` has the provenance.

        `n` is the number of replacements (`enumerated`: all there are) or draws, of several prompts
        that of prompts; `interval_over` is what `low` and `high` are over. Scores are logp, kl and,
        where they are, norm (at `position`) and pair (at each query).

        Args:
            by_prompt: One row per prompt, score and source instead: each prompt's own effects, at
                the positions of its own text.

        Raises:
            ValueError: `by_prompt` of one prompt.
        """
        if not by_prompt:
            return frame_of(self)
        if not self.prompts:
            raise ValueError("by_prompt is of several prompts, and this is the result of one")
        return frame_by_prompt(self)

    def _lines(self) -> list[str]:
        return lines_of(self)
