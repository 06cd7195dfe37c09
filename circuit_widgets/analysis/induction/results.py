"""What `identify_induction_heads` returns."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import torch

from circuit_widgets.analysis.induction.scores import ABLATED, ABOVE, MORE
from circuit_widgets.analysis.induction.text import lines_of_heads
from circuit_widgets.attention.diagonals import SCORES
from circuit_widgets.heads import Head
from circuit_widgets.results.result import Result
from circuit_widgets.results.score import About, Score

if TYPE_CHECKING:
    import pandas as pd

# Of the scores of attention.
_PARTS = {"value", "chance", "control", "low", "high", "control_low", "control_high"}


@dataclasses.dataclass(frozen=True)
class InductionPair:
    """A previous-token head with an induction head of a later layer; None: there is no number.

    Attributes:
        previous_token_head, induction_head: "layer.head".
        layer_distance: How many layers the induction head is later.
        q_composition, k_composition, v_composition: How much the later head reads of what the
            earlier one writes, from the weights (Elhage et al. 2021). With rotary positions the
            weights see only a part of it; in latent attention q and k are without the numbers that
            are for these alone.
        q_z, k_z, v_z: The same in standard deviations from randomly rotated weights, which most
            pairs of a trained model are far from.
        q_percentile, k_percentile, v_percentile: Of all other heads of earlier layers, how many in
            a hundred compose less with the same induction head.
        path: How much prefix matching of the induction head falls if its key input from the other
            head is replaced by the mean (path patching); path_low and path_high are its interval,
            which holds for all pairs together (Bonferroni: of n pairs each has a confidence of
            1 - (1 - confidence) / n).
        path_share: `path` as a share of the induction head's prefix matching.
        path_null: The same as `path` for random senders, on average; path_null_high is the upper
            prediction bound for one more of them, with the same correction.
        confirmed: The path's interval is above `least_share` of the induction head's prefix
            matching and above path_null_high.
        why_not: Why it is not confirmed; "" if it is.
    """

    previous_token_head: str
    induction_head: str
    layer_distance: int
    q_composition: float | None
    q_z: float | None
    k_composition: float | None
    k_z: float | None
    v_composition: float | None
    v_z: float | None
    path: float | None
    path_low: float | None
    path_high: float | None
    path_null: float | None
    path_null_high: float | None
    confirmed: bool
    path_share: float | None = None
    q_percentile: float | None = None
    k_percentile: float | None = None
    v_percentile: float | None = None
    why_not: str = ""


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class InductionHeads(Result, topic="induction"):
    """Attention scores of every head on random tokens that repeat.

    Each score's `value` is on the repeating sequences, `control` at the same queries of sequences
    that do not repeat, `chance` what uniform attention would score. Shapes [layer, head].
    Losses: what the model makes of the repeat, in nats, shape []; None if not asked for.
    `loss_second.control` is the loss of the control's second half; `in_context` is second-copy
    minus first-copy loss (more negative: more is learned from the context).
    `text_in_context` is the score of Olsson et al. 2022 on texts: loss at token 500 minus loss at
    token 50; its control is the same tokens in random order. None without texts.

    Copying (`copying`, `copying_logits`, `copying_tokens`), `ablation` of single heads (NaN where
    it was not tried; its control is random heads of the same layers) and `joint_ablation` of all
    found heads (shape []; its control is random sets with as many heads in each layer) are None if
    not asked for. The ends of these two controls are where one more random head or set would be;
    they are NaN where the layers have too few other heads.

    `pairs`: each previous-token head with each induction head of a later layer; None if not asked
    for.

    >>> import circuit_widgets as cw
    >>> heads = cw.identify_induction_heads(cw.load_model(), n_sequences=4, progress=False)
    >>> heads.heads()[0]
    Head(layer=1, index=2)
    >>> {pair.previous_token_head for pair in heads.pairs if pair.confirmed}
    {'0.1'}
    """

    prefix_matching: Score
    previous_token: Score
    duplicate_token: Score
    # The first repeating sequence, for a picture of it.
    example: tuple[int, ...] = ()
    example_tokens: tuple[str, ...] = ()
    loss_first: Score | None = None
    loss_second: Score | None = None
    in_context: Score | None = None
    text_in_context: Score | None = None
    copying: Score | None = None
    copying_logits: Score | None = None
    copying_tokens: Score | None = None
    ablation: Score | None = None
    joint_ablation: Score | None = None
    pairs: tuple[InductionPair, ...] | None = None

    def __post_init__(self) -> None:
        # A file has them as plain objects.
        if self.pairs is not None:
            pairs = [
                InductionPair(**pair) if isinstance(pair, dict) else pair for pair in self.pairs
            ]
            object.__setattr__(self, "pairs", tuple(pairs))
        for name in SCORES:
            score = getattr(self, name)
            if not isinstance(score, Score):
                raise ValueError(f"{name} has to be a score, it is {type(score).__name__}")
            missing = _PARTS - set(score.tensors())
            if missing or score.value.ndim != 2 or score.value.shape != self.shape:
                raise ValueError(
                    f"{name} has shape {list(score.value.shape)} and lacks {sorted(missing)}; "
                    "accepted is [layer, head], the same for all, with nothing missing"
                )

    @property
    def shape(self) -> tuple[int, int]:
        """Layers and heads."""
        n_layers, n_heads = self.prefix_matching.value.shape
        return n_layers, n_heads

    def score(self, name: str) -> Score:
        """One of the scores by name."""
        if name not in self.abouts:
            raise ValueError(f"there is no score {name!r}; scores are {', '.join(self.abouts)}")
        return getattr(self, name)

    @property
    def abouts(self) -> dict[str, About]:
        """What each score of every head means that was measured."""
        known = {**SCORES, **MORE}
        return {name: of for name, of in known.items() if getattr(self, name) is not None}

    def heads(self, score: str = "prefix_matching", above: float = ABOVE) -> list[Head]:
        """Heads whose score is significantly above `above` and above its null, the highest first.

        The low end of the head's interval has to be above both. The null is the high end of its
        control's interval, or for `previous_token`, which does not need repeats, chance. Where
        there is no interval (one sequence), the means themselves are compared. A head whose score
        is missing is not in the list.
        """
        of = self.score(score)
        assert of.low is not None
        low = torch.where(of.low.isnan(), of.value, of.low)
        if self.abouts[score].null == "chance":
            assert of.chance is not None
            bar = of.chance
        else:
            assert of.control is not None and of.control_high is not None
            bar = torch.where(of.control_high.isnan(), of.control, of.control_high)
        above_bar = ((low > above) & (low > bar)).nonzero().tolist()
        return [
            Head(layer, head)
            for layer, head in sorted(above_bar, key=lambda at: (-float(of.value[tuple(at)]), at))
        ]

    def to_frame(self) -> pd.DataFrame:
        """One row per score, layer and head; `df.attrs` has the provenance."""
        import pandas as pd

        n_layers, n_heads = self.shape
        at = [Head(layer, head) for layer in range(n_layers) for head in range(n_heads)]
        where = {
            "layer": [head.layer for head in at],
            "head": [head.index for head in at],
            "name": [str(head) for head in at],
        }
        provenance = self.provenance
        parts = [
            pd.DataFrame({"score": name, **where, **self.score(name).columns(), "n": self._n(name)})
            for name in self.abouts
        ]
        frame = pd.concat(parts, ignore_index=True).assign(complete=provenance.complete)
        frame.attrs["provenance"] = dataclasses.asdict(provenance)
        return frame

    def _n(self, score: str) -> int:
        """Sequences that are in a score."""
        done = self.provenance.n_done
        return min(done, ABLATED) if score == "ablation" else done

    def _lines(self) -> list[str]:
        return lines_of_heads(self)
