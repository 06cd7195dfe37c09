"""What `identify_induction_heads` returns."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from circuit_widgets.analysis.induction.copying import TOP
from circuit_widgets.attention.diagonals import _OLSSON, SCORES
from circuit_widgets.heads import Head
from circuit_widgets.results.result import Result
from circuit_widgets.results.score import About, Score

if TYPE_CHECKING:
    import pandas as pd

# A habit of the field (0.3 to 0.5), not a law: a claim rests on the control and the interval.
ABOVE = 0.4
# Measured if asked for; in the order in which they are shown, after the others.
MORE: dict[str, About] = {
    about.name: about
    for about in (
        About(
            "copying",
            "Copying (OV)",
            "How far W_V W_O writes directions as it reads them: sum of the real parts of its "
            "eigenvalues over the sum of their sizes. The null is random rotations of W_V.",
            "Elhage et al. 2021, A Mathematical Framework for Transformer Circuits",
            least=-1.0,
            group="weights",
        ),
        About(
            "copying_logits",
            "Copying (to logits)",
            "The same of W_E W_V W_O W_U: does attending to a token raise that token?",
            "Elhage et al. 2021, A Mathematical Framework for Transformer Circuits",
            least=-1.0,
            group="weights",
        ),
        About(
            "copying_tokens",
            "Copied tokens",
            f"How often the token attended to most is among the {TOP} of the sequence that this "
            "head's own output raises most, in the second copy.",
            "after the copying score of " + _OLSSON,
            null="chance",
        ),
        About(
            "ablation",
            "Ablation effect",
            "Rise of the loss on the second copy, in nats, when the head's z is replaced by its "
            "mean. The null is random other heads. Heads that back it up can hide its effect.",
            "mean ablation; McGrath et al. 2023, The Hydra Effect, for what it cannot see",
            most=None,
            group="ablation",
            unit="nats",
        ),
    )
}


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class InductionHeads(Result, topic="induction"):
    """Attention scores of every head on random tokens that repeat.

    Each score's `value` is on the repeating sequences, `control` at the same queries of sequences
    that do not repeat, `chance` what uniform attention would score. Shapes [layer, head].
    Losses: what the model makes of the repeat, in nats, shape []; None if not asked for.
    `loss_second.control` is the loss of the control's second half; `in_context` is the loss on the
    second copy less that on the first (more negative: more is learned from the context).
    `text_in_context` is the score of Olsson et al. 2022 on texts: loss at token 500 less that at
    token 50; its control is the same tokens in random order. None without texts.

    Copying (`copying`, `copying_logits`, `copying_tokens`), `ablation` of single heads (NaN where
    it was not tried; its control is random heads) and `joint_ablation` of all found heads (shape
    []; its control is sets of as many random heads) are None if not asked for.

    `pairs`: each previous-token head with each induction head of a later layer, as dictionaries:
    `previous_token_head` (the user's source calls it q_former), `induction_head` (k_former),
    `layer_distance`, `q_`, `k_` and `v_composition` with `q_z`, `k_z`, `v_z` (standard deviations
    from rotated weights; with rotary positions the weights see only a part), and `path`: how much
    the induction head's prefix matching falls when it hears the other head's mean through its keys
    alone, with its interval and, as `path_null` and `path_null_high`, that of random senders.
    `confirmed`: the interval is above that of a random sender. None if not asked for.
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
    pairs: tuple[Mapping[str, Any], ...] | None = None

    def __post_init__(self) -> None:
        for name in SCORES:
            score = getattr(self, name)
            if not isinstance(score, Score):
                raise ValueError(f"{name} has to be a score, it is {type(score).__name__}")
            missing = {f.name for f in dataclasses.fields(Score)} - set(score.tensors())
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
        """Heads whose score is beyond doubt, the highest first.

        A head is in the list if the low end of its interval is above `above` and above its null:
        the high end of its control's interval, or for `previous_token`, which is there without
        repeats too, chance. Where there is no interval (one sequence), the means themselves are
        compared. A head whose score is missing is not in the list.
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
        found = ((low > above) & (low > bar)).nonzero().tolist()
        return [
            Head(layer, head)
            for layer, head in sorted(found, key=lambda at: (-float(of.value[tuple(at)]), at))
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
        made = self.provenance
        parts = [
            pd.DataFrame({"score": name, **where, **self.score(name).columns()})
            for name in self.abouts
        ]
        frame = pd.concat(parts, ignore_index=True).assign(n=made.n_done, complete=made.complete)
        frame.attrs["provenance"] = dataclasses.asdict(made)
        return frame

    def _lines(self) -> list[str]:
        lines = []
        for name, about in SCORES.items():
            score = self.score(name)
            line = f"{about.label.lower() + ':':17}{_best(score)}"
            found = self.heads(name)
            if found:
                shown = ", ".join(map(str, found[:8])) + (", ..." if len(found) > 8 else "")
                line += f"; above {ABOVE} and {about.null}: {shown}"
            lines.append(line)
        if self.loss_first is not None and self.loss_second is not None:
            loss = {"first": self.loss_first.value, **self.loss_second.tensors()}
            lines.append(
                "loss:            first copy {first:.2f}, second {value:.2f} nats "
                "(control {control:.2f})".format_map(loss)
            )
        if self.text_in_context is not None and self.text_in_context.control is not None:
            of = {name: float(tensor) for name, tensor in self.text_in_context.tensors().items()}
            lines.append(
                "in context:      token 500 less token 50 {value:+.2f} nats, "
                "in random order {control:+.2f}".format_map(of)
            )
        if self.joint_ablation is not None and self.joint_ablation.control is not None:
            of = {name: float(tensor) for name, tensor in self.joint_ablation.tensors().items()}
            lines.append(
                "without them:    second copy {value:+.2f} nats ({low:+.2f} to {high:+.2f}), "
                "without as many random heads {control:+.2f}".format_map(of)
            )
        for pair in self.pairs or ():
            if pair["confirmed"]:
                z = "" if pair["k_z"] is None else f", K-composition z {pair['k_z']:.1f}"
                lines.append(
                    f"pair:            {pair['previous_token_head']} -> {pair['induction_head']}, "
                    f"path {pair['path']:.2f}{z}"
                )
        return lines


def _best(score: Score) -> str:
    """The highest head, its interval and its nulls, in words."""
    missing = int(score.value.isnan().sum())
    note = f" ({missing} of {score.value.numel()} heads missing)" if missing else ""
    if missing == score.value.numel():
        return f"not computable{note}"
    at = int(score.value.nan_to_num(-torch.inf).argmax())
    head = Head(*divmod(at, score.value.shape[1]))
    value, low, high, control = (
        float(tensor.flatten()[at])
        for tensor in (score.value, score.low, score.high, score.control)
        if tensor is not None
    )
    span = "" if low != low else f" ({low:.2f} to {high:.2f})"
    assert score.chance is not None
    return (
        f"highest {head} {value:.2f}{span}, control {control:.2f}, "
        f"by chance {float(score.chance):.2f}{note}"
    )


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class InductionTrace(Result, topic="induction"):
    """Induction on one prompt, position by position.

    At a position q whose token stood earlier, at p, induction looks at p + 1 and raises the token
    there. Attributes by position are NaN (or -1) where the token is new.

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
        follows: Whether it is what really follows; at the last position nobody knows (False).
        previous: The previous-token heads that make the first hop, "layer.head".
        first_hop: Attention of each of them from p + 1 to p, [previous head, pos].
        paths: Where a previous-token head is in an earlier layer than an induction head: the
            products of the attentions of both hops, [previous head, head, pos].
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

    def repeats(self) -> list[int]:
        """Positions whose token stood earlier."""
        return (self.earlier >= 0).nonzero().flatten().tolist()

    def to_frame(self) -> pd.DataFrame:
        """One row per repeated token and induction head; `df.attrs` has the provenance."""
        import pandas as pd

        rows = [
            {
                "position": q,
                "token": self.tokens[q],
                "earlier": int(self.earlier[q]),
                "expected": self.tokens[int(self.earlier[q]) + 1],
                "head": name,
                "attention": float(self.attention[h, q]),
                "chance": float(self.chance[q]),
                "added": float(self.added[h, q]),
                "added_chance": float(self.added_chance[h, q]),
                "probability": float(self.probability[q]),
                "predicted": bool(self.predicted[q]),
                "follows": bool(self.follows[q]),
            }
            for q in self.repeats()
            for h, name in enumerate(self.heads)
        ]
        frame = pd.DataFrame(rows)
        frame.attrs["provenance"] = dataclasses.asdict(self.provenance)
        return frame

    def _lines(self) -> list[str]:
        at = self.repeats()
        strongest = self.attention[:, at]
        lines = [
            f"{len(at)} of {len(self.tokens)} tokens stood earlier; "
            f"{int(self.predicted[at].sum())} times the model expects what followed then, "
            f"{int(self.follows[at].sum())} times it does follow"
        ]
        for h, name in enumerate(self.heads):
            lines.append(
                f"{name}: attention {float(strongest[h].nanmean()):.2f} "
                f"(chance {float(self.chance[at].mean()):.2f}), adds "
                f"{float(self.added[h, at].nanmean()):+.2f} to that token's logit "
                f"(others {float(self.added_chance[h, at].nanmean()):+.2f})"
            )
        return lines
