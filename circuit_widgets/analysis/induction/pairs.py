"""Which previous-token head an induction head is made with: by weights, confirmed by a path."""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.analysis.induction.results import InductionHeads, InductionPair
from circuit_widgets.capture.stopping import check_stop
from circuit_widgets.causal.ablation import Ablation
from circuit_widgets.causal.random_heads import others
from circuit_widgets.heads import Head
from circuit_widgets.models.pruned import missing_heads
from circuit_widgets.prompts.repeats import Layout
from circuit_widgets.statistics.intervals import further_draw, mean_interval
from circuit_widgets.weights.composition import MODES, Composition, composition, percentile
from circuit_widgets.weights.heads import WeightsMissing
from circuit_widgets.weights.latent import is_latent
from circuit_widgets.wire.numbers import number

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# Heads of each kind that pairs are looked for among, the highest first.
_PAIRED = 4
# Random senders that a path is compared with.
_NULLS = 8
# From a sender and a receiver to how much the receiver's score falls.
PathEffect = Callable[[Head, Head], Float[Tensor, " sample"]]
# Of random senders: the mean, and what one more would stay below.
Null = tuple[float | None, float | None]


def candidates(result: InductionHeads) -> list[tuple[Head, Head]]:
    """Every previous-token head with every induction head of a later layer."""
    senders, receivers = _highest(result, "previous_token"), _highest(result, "prefix_matching")
    return [(p, i) for i in receivers for p in senders if p.layer < i.layer]


def n_paths(result: InductionHeads) -> int:
    """About how many paths are patched, those of random senders among them."""
    pairs = candidates(result)
    return len(pairs) + _NULLS * len({receiver for _, receiver in pairs})


def add_pairs(
    result: InductionHeads,
    model: TransformerBridge,
    runs: Callable[[], Ablation],
    layout: Layout,
    *,
    confidence: float,
    seed: int,
    least_share: float,
) -> Iterator[InductionHeads | None]:
    """Each candidate pair, one after the other; `runs` gives the repeating sequences' runs.

    It yields once for every path that is patched; None where there is nothing new to show.
    """
    result = dataclasses.replace(result, pairs=())
    yield result
    wanted = candidates(result)
    if not wanted:
        return
    last = max(receiver.layer for _, receiver in wanted)
    layers = (range(last), {receiver.layer for _, receiver in wanted})
    weights = _composed(model, layers)
    path = path_to_keys(runs(), layout)
    # (Random senders are other heads, of those that a pruned model has.)
    known = [*result.heads("previous_token"), *result.heads(), *missing_heads(model)]
    # As many labels are given, so each is given with as much more confidence (Bonferroni).
    each = 1 - (1 - confidence) / len(wanted)
    null: dict[Head, Null] = {}
    for sender, receiver in wanted:
        if receiver not in null:
            effects = []
            for other in others(result.shape, known, _NULLS, seed, receiver.layer):
                effects.append(path(other, receiver).mean())
                yield None
            null[receiver] = _null(effects, each)
        effect = [number(of) for of in mean_interval(path(sender, receiver), each)]
        whole = float(result.prefix_matching.value[receiver.layer, receiver.index])
        pair = _pair(sender, receiver, weights, effect, null[receiver], whole, least_share)
        result = dataclasses.replace(result, pairs=(*(result.pairs or ()), pair))
        yield result


def _composed(
    model: TransformerBridge, layers: tuple[Collection[int], Collection[int]]
) -> dict[str, Composition]:
    """By mode; missing where the architecture has no weights that belong to one head each."""
    if any(is_latent(block.attn) for block in model.blocks):
        warnings.warn(
            "attention of this model is latent: Q- and K-composition are of what queries and keys "
            "read without the numbers that are theirs for rotary positions alone",
            stacklevel=2,
        )
    try:
        return {
            mode: composition(model, mode, between=layers, on_layer=lambda _: check_stop())
            for mode in MODES
        }
    except WeightsMissing as error:
        warnings.warn(f"composition is missing: {error}", stacklevel=2)
        shape = (model.cfg.n_layers, model.cfg.n_heads) * 2
        missing = torch.full(shape, math.nan)
        return dict.fromkeys(MODES, Composition(missing, missing))


def path_to_keys(runs: Ablation, layout: Layout) -> PathEffect:
    """How much prefix matching falls if the receiver's keys get the sender's mean."""
    back, first = layout.diagonal("prefix_matching")

    def effect(sender: Head, receiver: Head) -> Float[Tensor, " sample"]:
        lost = [
            torch.diagonal(attention, -back, -2, -1)[:, first - back :].mean(1).cpu()
            for attention in runs.attention_lost(sender, receiver, ("k",))
        ]
        return torch.cat(lost)

    return effect


def _highest(result: InductionHeads, score: str) -> list[Head]:
    return result.heads(score)[:_PAIRED]


def _null(effects: list[Tensor], confidence: float) -> Null:
    """Mean of random senders' effects, and what one more of them would stay below."""
    if len(effects) < 2:
        return None, None
    mean, _, high = further_draw(torch.stack(effects), confidence)
    return number(mean), number(high)


def _pair(
    sender: Head,
    receiver: Head,
    weights: dict[str, Composition],
    effect: list[float | None],
    null: Null,
    whole: float,
    least_share: float,
) -> InductionPair:
    at = (sender.layer, sender.index, receiver.layer, receiver.index)
    composed: dict[str, float | None] = {}
    for mode, scores in weights.items():
        composed[f"{mode}_composition"] = number(scores.value[at])
        composed[f"{mode}_z"] = number(scores.z[at])
        composed[f"{mode}_percentile"] = percentile(scores.value, sender, receiver)
    path, low, high = effect
    why_not = _why_not(low, null[1], least_share * whole, least_share)
    return InductionPair(
        previous_token_head=str(sender),
        induction_head=str(receiver),
        layer_distance=receiver.layer - sender.layer,
        **composed,
        path=path,
        path_low=low,
        path_high=high,
        path_null=null[0],
        path_null_high=null[1],
        confirmed=not why_not,
        path_share=None if path is None else path / whole,
        why_not=why_not,
    )


def _why_not(low: float | None, random: float | None, least: float, share: float) -> str:
    """Why a path confirms no pair; "" if it does."""
    if low is None:
        return "the path has no interval"
    if low <= least:
        return f"the interval is not above {share:.0%} of prefix matching"
    if random is None:
        return "there are not two random heads to compare with"
    return "" if low > random else "the interval is not above random heads"
