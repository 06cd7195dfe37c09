"""Induction on one prompt: what `trace_induction` finds at each token that repeats."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from jaxtyping import Bool, Float, Int
from torch import Tensor

from circuit_widgets import models
from circuit_widgets.analysis._analysis import analysis
from circuit_widgets.analysis._hops import earlier_positions, hops
from circuit_widgets.analysis._induction import InductionHeads
from circuit_widgets.analysis._provenance import begun
from circuit_widgets.heads import Head
from circuit_widgets.result import Provenance, Result
from circuit_widgets.tokens import Tokens, tokenize

if TYPE_CHECKING:
    import pandas as pd
    from transformer_lens.model_bridge import TransformerBridge

# The probe for heads that are not given: enough for an interval.
PROBED, LENGTH = 8, 24


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


@analysis("induction")
def trace_induction(
    model: TransformerBridge,
    prompt: str | Sequence[int] | Tensor,
    *,
    heads: InductionHeads | Iterable[Head | str | tuple[int, int]] | None = None,
    previous: Iterable[Head | str | tuple[int, int]] | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Iterator[InductionTrace]:
    """Follow induction through a prompt: at each repeated token, who looks back, and what it adds.

    One pass over the prompt (Elhage et al. 2021, two-layer induction; direct logit attribution of
    the heads with the final norm's scale held as it was).

    Args:
        model: A TransformerBridge with causal attention.
        prompt: A text or token ids in which a token repeats.
        heads: The induction heads: a result of `identify_induction_heads`, whose heads beyond doubt
            are taken, or heads. None: the heads that a short probe finds beyond doubt.
        previous: The previous-token heads of the first hop. None: those of the result or probe.
        seed: Of the probe.
        progress: Show a progress bar.

    Raises:
        TypeError: Not a model, not a prompt, or an unknown keyword.
        ValueError: No token of the prompt repeats; no induction heads are known; a head that the
            model does not have.
    """
    tokens = tokenize(model, prompt)
    ids: list[int] = tokens.ids[0].tolist()
    earlier = earlier_positions(ids, int(tokens.has_bos))
    if max(earlier) < 0:
        raise ValueError(
            f"no token of this prompt stands twice ({len(ids)} tokens, and what follows a token "
            "counts from the second one on): there is nothing that induction could continue"
        )
    given = None if isinstance(heads, InductionHeads) else _parsed(model, heads)
    given_previous = _parsed(model, previous)
    probed = heads if isinstance(heads, InductionHeads) else None
    if probed is not None and probed.shape != (model.cfg.n_layers, model.cfg.n_heads):
        raise ValueError(
            f"heads are of a model with {probed.shape[0]} x {probed.shape[1]} heads, and this one "
            f"has {model.cfg.n_layers} x {model.cfg.n_heads}"
        )
    made = begun(
        model,
        "trace_induction",
        method="attention at both hops; direct logit attribution",
        probe=tokens.text,
        seed=seed,
        parameters={},
        n_done=1,
        n_total=1,
        unit="prompt",
    )
    if given is not None and given_previous is not None:
        return _traced(model, tokens, earlier, made, given, given_previous)
    return _probed(model, tokens, earlier, made, probed, given, given_previous)


def _probed(
    model: TransformerBridge,
    tokens: Tokens,
    earlier: list[int],
    made: Provenance,
    found: InductionHeads | None,
    heads: list[Head] | None,
    previous: list[Head] | None,
) -> Iterator[InductionTrace]:
    """With the heads that were not given."""
    from circuit_widgets.analysis.induction import identify_induction_heads

    if found is None:
        found = identify_induction_heads(
            model,
            n_sequences=PROBED,
            length=min(LENGTH, (models.n_context(model) - 1) // 2),
            seed=made.seed or 0,
            loss=False,
            copying=False,
            ablation=0,
            pairs=False,
            progress=False,
        )
    heads = found.heads() if heads is None else heads
    if not heads:
        raise ValueError(
            "no head of this model is an induction head beyond doubt; pass heads=, such as "
            "heads=['5.1'], to follow some all the same"
        )
    previous = found.heads("previous_token") if previous is None else previous
    yield from _traced(model, tokens, earlier, made, heads, previous)


def _traced(
    model: TransformerBridge,
    tokens: Tokens,
    earlier: list[int],
    made: Provenance,
    heads: list[Head],
    previous: list[Head],
) -> Iterator[InductionTrace]:
    started = time.perf_counter()
    fields = hops(model, tokens.ids, earlier, heads, previous)
    yield InductionTrace(
        provenance=dataclasses.replace(made, seconds=time.perf_counter() - started),
        shape=(model.cfg.n_layers, model.cfg.n_heads),
        tokens=tokens.strings,
        ids=tuple(tokens.ids[0].tolist()),
        heads=tuple(map(str, heads)),
        previous=tuple(map(str, previous)),
        **fields,
    )


def _parsed(
    model: TransformerBridge, heads: Iterable[Head | str | tuple[int, int]] | None
) -> list[Head] | None:
    if heads is None:
        return None
    several = [heads] if isinstance(heads, (str, Head)) else list(heads)
    return [Head.parse(head, model.cfg.n_layers, model.cfg.n_heads) for head in several]
