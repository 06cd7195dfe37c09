"""Which heads go, round by round: scored anew after each, since redundant heads hide each other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.analysis.optimization import scores
from circuit_widgets.causal.ablation import Ablation
from circuit_widgets.causal.metrics import next_token_logp
from circuit_widgets.heads import Head
from circuit_widgets.results.score import Score

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

BY = ("measured", "estimate", "importance", "norm")


class Rounds:
    """Takes heads away, those whose loss costs least, a few a round.

    "measured": all heads are estimated to second order, those with the lowest estimates are
    ablated one by one, and the cheapest of them go. The others go by their estimate, by Michel et
    al.'s importance or by their output norm alone.

    Args:
        model: A TransformerBridge.
        batches: Ids of the texts that heads are chosen on.
        step: Heads that go in a round.
        shortlist: Heads that are ablated in a round.
        most: Heads that go in all; no layer loses its last one.
        by: One of `BY`.
        confidence: Of intervals over texts.

    Attributes:
        gone: Heads in the order in which they went.
        first: "estimate", "importance" and "norm" of the whole model, and the measured "effect" of
            the heads that were looked at.
    """

    def __init__(
        self,
        model: TransformerBridge,
        batches: Sequence[Tensor],
        step: int,
        shortlist: int,
        most: int,
        by: str,
        confidence: float,
    ) -> None:
        self._model, self._batches = model, batches
        self._step, self._shortlist, self._most = step, shortlist, most
        self._by, self._confidence = by, confidence
        self._shape = (int(model.cfg.n_layers), int(model.cfg.n_heads))
        lengths = [tokens.shape[1] - 1 for tokens in batches for _ in tokens]
        self._n_tokens = sum(lengths) / len(lengths)
        self.gone: list[Head] = []
        self.first: dict[str, Score] = {}

    @property
    def n_rounds(self) -> int:
        """How many there will be."""
        return math.ceil(self._most / self._step)

    def run(self) -> Iterator[bool]:
        """Whether a round is over, after each pass or so."""
        self.first["norm"] = Score(scores.norms(self._model, self._batches))
        yield False
        while len(self.gone) < self._most:
            yield from self._round()
            yield True

    def _round(self) -> Iterator[bool]:
        n = min(self._step, self._most - len(self.gone))
        if self._by == "norm" and self.gone:
            # A norm is not asked again: no other head makes up for what is written.
            self._take(self._allowed(self.first["norm"].value), n)
            return
        ablation = Ablation(
            self._model, self._batches, next_token_logp, by="zero", without=self.gone
        )
        estimate = scores.estimates(ablation, self._shape[0], self._n_tokens)
        importance = scores.importances(ablation, self._shape[0], self._confidence)
        whole = not self.gone
        if whole:
            self.first |= {"estimate": estimate, "importance": importance}
        yield False
        values = {"importance": importance, "norm": self.first["norm"]}
        ranked = self._allowed(values.get(self._by, estimate).value)
        if self._by == "measured":
            known: dict[Head, float] = {}
            planes = torch.full((3, *self._shape), math.nan)
            for head in ranked[: max(n, self._shortlist)]:
                effect = scores.effect_of(ablation, ablation.effect([head]), self._confidence)
                planes[:, head.layer, head.index] = effect
                known[head] = float(effect[0])
                yield False
            ranked = sorted(known, key=lambda head: known[head])
            if whole:
                self.first["effect"] = Score(planes[0], low=planes[1], high=planes[2])
        self._take(ranked, n)

    def _allowed(self, value: Float[Tensor, "layer head"]) -> list[Head]:
        """Heads that may go, those with the lowest value first; unknown ones last."""
        order = value.nan_to_num(math.inf).flatten().argsort(stable=True).tolist()
        heads = [Head(*divmod(at, self._shape[1])) for at in order]
        left = [self._shape[1] - self._gone_in(layer) for layer in range(self._shape[0])]
        out = set(self.gone)
        return [head for head in heads if head not in out and left[head.layer] > 1]

    def _take(self, ranked: Sequence[Head], n: int) -> None:
        for head in ranked:
            if n and self._gone_in(head.layer) < self._shape[1] - 1:
                self.gone.append(head)
                n -= 1

    def _gone_in(self, layer: int) -> int:
        return sum(head.layer == layer for head in self.gone)
