"""What is measured after the scores of attention: copying, ablations, pairs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.analysis.induction.copying import CopiedTokens, copying_by_weights
from circuit_widgets.analysis.induction.in_context import late_less_early
from circuit_widgets.analysis.induction.pairs import find_pairs
from circuit_widgets.analysis.induction.results import InductionHeads
from circuit_widgets.causal.ablation import Ablation
from circuit_widgets.causal.metrics import second_copy_logp
from circuit_widgets.causal.random_heads import others
from circuit_widgets.heads import Head
from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.prompts.repeats import Probe
from circuit_widgets.results.provenance import Provenance
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import mean_interval, score_of

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# Heads of each kind that pairs are looked for among, the highest first.
PAIRED = 4
# Random heads, and random sets of heads, that ablations are compared with.
RANDOM = 8


class Further:
    """Each step takes a result and yields it with more in it."""

    def __init__(
        self,
        model: TransformerBridge,
        probe: Probe,
        sequences: list[Tensor],
        made: Provenance,
        texts: Prompts | None,
    ) -> None:
        self._model, self._layout, self._sequences = model, probe.layout, sequences
        self._n, self._seed = made.n_total, made.seed or 0
        self._confidence: float = made.parameters["confidence"]
        self._n_ablated: int = made.parameters["ablation"]
        self._runs: Ablation | None = None
        self.steps: dict[str, Callable[[InductionHeads], Iterator[InductionHeads]]] = {
            "copying": self.copying,
            "ablation": self.ablation,
            "pairs": self.pairs,
            "in-context learning": self.in_context,
        }
        self._texts = texts

    def copying(self, result: InductionHeads) -> Iterator[InductionHeads]:
        weights, logits = copying_by_weights(self._model, self._seed)
        result = dataclasses.replace(result, copying=weights, copying_logits=logits)
        yield result
        hits, chance = [], 0.0
        for tokens in self._sequences:
            copied = CopiedTokens(self._model, tokens, self._layout.before + self._layout.length)
            capture.run(self._model, tokens, copied.reducers, logits=False)
            hits.append(copied.hits)
            chance += copied.chance * len(tokens) / self._n
        score = score_of(torch.cat(hits), None, self._confidence, chance)
        yield dataclasses.replace(result, copying_tokens=score)

    def ablation(self, result: InductionHeads) -> Iterator[InductionHeads]:
        """Single heads, as many random ones, then all found heads beside random sets of as many."""
        kept = self._kept()
        found = result.heads()
        tried = [*found, *(head for head in _highest(result) if head not in found)]
        tried = tried[: self._n_ablated]
        random = others(result.shape, [*found, *tried], RANDOM, self._seed)
        if random:
            effects = torch.stack([kept.effect([head]).mean() for head in random])
            null = mean_interval(effects, self._confidence)
        else:
            null = (torch.tensor(torch.nan),) * 3
        missing = torch.full(result.shape, torch.nan)
        planes = [missing.clone() for _ in range(6)]
        for head in tried:
            at = (head.layer, head.index)
            numbers = (*mean_interval(kept.effect([head]), self._confidence), *null)
            for plane, number in zip(planes, numbers, strict=True):
                plane[at] = number
            value, low, high, control, control_low, control_high = (p.clone() for p in planes)
            score = Score(
                value=value,
                low=low,
                high=high,
                control=control,
                control_low=control_low,
                control_high=control_high,
            )
            result = dataclasses.replace(result, ablation=score)
            yield result
        sets = [others(result.shape, found, len(found), self._seed + 1 + i) for i in range(RANDOM)]
        if not found or len(sets[0]) < len(found):
            return
        joint = torch.stack([kept.effect(heads).mean() for heads in sets])
        yield dataclasses.replace(
            result, joint_ablation=score_of(kept.effect(found), joint, self._confidence)
        )

    def pairs(self, result: InductionHeads) -> Iterator[InductionHeads]:
        result = dataclasses.replace(result, pairs=())
        previous = result.heads("previous_token")[:PAIRED]
        induction = result.heads("prefix_matching")[:PAIRED]
        if any(p.layer < i.layer for p in previous for i in induction):
            kept = self._kept()
            for pair in find_pairs(
                self._model, kept, self._layout, previous, induction, self._confidence, self._seed
            ):
                result = dataclasses.replace(result, pairs=(*(result.pairs or ()), pair))
                yield result
        yield result

    def in_context(self, result: InductionHeads) -> Iterator[InductionHeads]:
        """On the texts that were given."""
        assert self._texts is not None
        score = late_less_early(self._model, self._texts, self._seed, self._confidence)
        yield dataclasses.replace(result, text_in_context=score)

    def _kept(self) -> Ablation:
        """The repeating sequences' runs, made once."""
        if self._runs is None:
            metric = second_copy_logp(self._layout)
            self._runs = Ablation(self._model, self._sequences, metric)
        return self._runs


def _highest(result: InductionHeads) -> list[Head]:
    """Every head that has a score, the highest prefix matching first."""
    value = result.prefix_matching.value
    order = value.flatten().nan_to_num(-1.0).argsort(descending=True).tolist()
    heads = [Head(*divmod(at, value.shape[1])) for at in order]
    return [head for head in heads if not value[head.layer, head.index].isnan()]
