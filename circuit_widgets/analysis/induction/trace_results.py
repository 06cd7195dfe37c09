"""What `trace_induction` returns."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from circuit_widgets import arguments
from circuit_widgets.analysis.induction.trace_frames import (
    frame_by_prompt,
    frame_of_means,
    frame_of_tokens,
)
from circuit_widgets.analysis.induction.trace_means import mean_over_prompts, means_by_prompt
from circuit_widgets.analysis.induction.trace_text import lines_of_trace
from circuit_widgets.results.result import Result
from circuit_widgets.results.score import Score

if TYPE_CHECKING:
    import pandas as pd

# What the method of several prompts says besides that of one.
OVER_PROMPTS = "; Student's t over prompts"
# Fields whose last axis is positions, besides `earlier`, which has positions as its values.
BY_POSITION = (
    *("attention", "chance", "added", "added_chance", "probability"),
    *("predicted", "follows", "first_hop", "paths"),
)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class InductionTrace(Result, topic="induction"):
    """Induction on one prompt, position by position, or on several.

    At a position q whose token appeared earlier, at p, an induction head attends to p + 1 and
    raises the logit of the token there. Attributes by position are NaN (or -1) where the token is
    new.

    Of several prompts (`lengths`) the positions are those of all of them, one prompt after the
    other, and `of` gives one prompt alone. What is asked of several prompts is `mean`: over the
    repeated tokens of each prompt, then over prompts, with an interval over prompts.

    Attributes:
        shape: Layers and heads of the model.
        tokens: The prompt's tokens, as shown.
        ids: Their ids.
        earlier: p, the latest earlier position of the same token whose next token is not q itself.
        heads: The induction heads, "layer.head".
        attention: Of each head from q to p + 1, [head, pos].
        chance: Uniform attention there, 1 / (q + 1), [pos].
        added: What each head adds to the logit of the token at p + 1 above the mean logit, with the
            final norm's scale as it was, [head, pos] (direct logit attribution).
        added_chance: The same for the other tokens of the prompt, on average, [head, pos].
        probability: Of the token at p + 1 after q, [pos].
        predicted: Whether that is the likeliest next token, [pos].
        follows: Whether it is what really follows; at the last position it is unknown (False).
        previous: The previous-token heads that make the first hop, "layer.head".
        first_hop: Attention of each of them from p + 1 to p, [previous head, pos].
        paths: Where a previous-token head is in an earlier layer than an induction head: the
            products of the attentions of both hops, [previous head, head, pos].
        lengths, texts: Of several prompts how many tokens each has, and its text; () is one prompt.

    >>> import circuit_widgets as cw
    >>> model, heads = cw.load_model(), {"heads": ["1.2"], "previous": ["0.1"]}
    >>> trace = cw.trace_induction(model, "blue dog blue dog", **heads)
    >>> [trace.tokens[q] for q in trace.repeats()]
    ['blue', 'dog']
    """

    shape: tuple[int, int]
    tokens: tuple[str, ...]
    ids: tuple[int, ...]
    earlier: Int[Tensor, " pos"]
    heads: tuple[str, ...]
    attention: Float[Tensor, "head pos"]
    chance: Float[Tensor, " pos"]
    added: Float[Tensor, "head pos"]
    added_chance: Float[Tensor, "head pos"]
    probability: Float[Tensor, " pos"]
    predicted: Bool[Tensor, " pos"]
    follows: Bool[Tensor, " pos"]
    previous: tuple[str, ...]
    first_hop: Float[Tensor, "previous pos"]
    paths: Float[Tensor, "previous head pos"]
    lengths: tuple[int, ...] = ()
    texts: tuple[str, ...] = ()

    @property
    def n_prompts(self) -> int:
        """How many prompts are in it."""
        return len(self.lengths) or 1

    @property
    def interval(self) -> str:
        """What the intervals of means are, for people."""
        return f"{self.provenance.interval} over prompts"

    def of(self, prompt: int) -> InductionTrace:
        """One of the prompts alone, as `trace_induction` of it gives.

        Raises:
            ValueError: There is no such prompt.

        >>> import circuit_widgets as cw
        >>> model, heads = cw.load_model(), {"heads": ["1.2"], "previous": ["0.1"]}
        >>> texts = ["blue dog blue", "two red cat two red"]
        >>> cw.trace_induction(model, texts, **heads, progress=False).of(1).tokens[1:]
        ('two', 'red', 'cat', 'two', 'red')
        """
        at = arguments.place("prompt", prompt, self.n_prompts)
        if not self.lengths:
            return self
        start = sum(self.lengths[:at])
        inside = slice(start, start + self.lengths[at])
        parts = {name: getattr(self, name)[..., inside] for name in BY_POSITION}
        earlier = self.earlier[inside]
        made, of_several = self.provenance, ("prompts", "confidence")
        made = dataclasses.replace(
            made,
            n_done=1,
            n_total=1,
            unit="prompt",
            probe=self.texts[at],
            method=made.method.removesuffix(OVER_PROMPTS),
            parameters={n: each for n, each in made.parameters.items() if n not in of_several},
        )
        alone = dataclasses.replace(
            self,
            provenance=made,
            tokens=self.tokens[inside],
            ids=self.ids[inside],
            earlier=torch.where(earlier >= 0, earlier - start, earlier),
            lengths=(),
            texts=(),
            **parts,
        )
        model = self.model()
        return alone if model is None else alone.attach(model)

    def by_prompt(self, name: str) -> Float[Tensor, "prompt ..."]:
        """A mean over the repeated tokens of each prompt; of the names of `mean`.

        Raises:
            ValueError: There is no such number.
        """
        return means_by_prompt(self, name)

    def mean(self, name: str) -> Score:
        """A mean over prompts, each by its repeated tokens, with an interval over prompts.

        Args:
            name: "attention", [head] (its chance is uniform attention); "added", [head] (its
                control is what the head adds to the other tokens of the prompt); "first_hop",
                [previous head]; "paths", [previous head, head]; "probability", []; "predicted" and
                "follows", []: the share of repeated tokens ("follows": without the last position,
                where it is unknown).

        Raises:
            ValueError: There is no such number.

        >>> import circuit_widgets as cw
        >>> model, heads = cw.load_model(), {"heads": ["1.2"], "previous": ["0.1"]}
        >>> texts = ["blue dog blue dog", "two red cat two red", "green six green"]
        >>> mean = cw.trace_induction(model, texts, **heads, progress=False).mean("attention")
        >>> bool(mean.low[0] > mean.chance)
        True
        """
        return mean_over_prompts(self, name)

    def repeats(self) -> list[int]:
        """Positions whose token appeared earlier."""
        return (self.earlier >= 0).nonzero().flatten().tolist()

    def to_frame(self, *, by_prompt: bool = False) -> pd.DataFrame:
        """One row per repeated token and induction head; `df.attrs` has the provenance.

        Of several prompts one row per number and head: its mean over prompts with the interval.

        Args:
            by_prompt: One row per prompt, number and head instead.

        Raises:
            ValueError: `by_prompt` of one prompt.
        """
        if by_prompt and not self.lengths:
            raise ValueError("by_prompt is of several prompts, and this is the result of one")
        if not self.lengths:
            return frame_of_tokens(self)
        return frame_by_prompt(self) if by_prompt else frame_of_means(self)

    def _lines(self) -> list[str]:
        return lines_of_trace(self)
