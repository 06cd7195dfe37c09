"""Which previous-token head an induction head is made with: by weights, confirmed by a path."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.capture.stopping import check_stop
from circuit_widgets.causal.ablation import Ablation
from circuit_widgets.causal.random_heads import others
from circuit_widgets.heads import Head
from circuit_widgets.prompts.repeats import Layout
from circuit_widgets.statistics.intervals import further_draw, mean_interval
from circuit_widgets.weights.composition import MODES, Composition, composition
from circuit_widgets.wire.numbers import number

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# Random senders that a path is compared with.
_NULLS = 8
Pair = dict[str, Any]


def find_pairs(
    model: TransformerBridge,
    ablation: Ablation,
    layout: Layout,
    previous: Sequence[Head],
    induction: Sequence[Head],
    confidence: float,
    seed: int,
) -> Iterator[Pair]:
    """Every previous-token head with every induction head of a later layer, one after the other.

    A pair is a plain dictionary, ready for JSON; a number that does not exist is None.
    """
    shape = (model.cfg.n_layers, model.cfg.n_heads)
    wanted = [(p, i) for i in induction for p in previous if p.layer < i.layer]
    if not wanted:
        return
    layers = ({p.layer for p, _ in wanted}, {i.layer for _, i in wanted})
    weights = {
        mode: composition(model, mode, between=layers, on_layer=lambda _: check_stop())
        for mode in MODES
    }
    back, first = layout.diagonal("prefix_matching")

    def path(sender: Head, receiver: Head) -> Float[Tensor, " sample"]:
        """How much prefix matching of the receiver falls if it hears the sender's mean as key."""
        lost = [
            torch.diagonal(fall, -back, -2, -1)[:, first - back :].mean(1).cpu()
            for fall in ablation.attention_lost(sender, receiver, ("k",))
        ]
        return torch.cat(lost)

    null: dict[Head, tuple[float | None, float | None]] = {}
    for sender, receiver in wanted:
        if receiver not in null:
            senders = others(shape, [*previous, *induction], _NULLS, seed, receiver.layer)
            null[receiver] = _null_of(path, senders, receiver, confidence)
        mean, low, high = (number(t) for t in mean_interval(path(sender, receiver), confidence))
        null_mean, null_high = null[receiver]
        least = mean if low is None else low
        bar = 0.0 if null_high is None else max(0.0, null_high)
        yield {
            "previous_token_head": str(sender),
            "induction_head": str(receiver),
            "layer_distance": receiver.layer - sender.layer,
            **_composed(weights, sender, receiver),
            "path": mean,
            "path_low": low,
            "path_high": high,
            "path_null": null_mean,
            "path_null_high": null_high,
            "confirmed": least is not None and least > bar,
        }


def _composed(weights: dict[str, Composition], sender: Head, receiver: Head) -> Pair:
    at = (sender.layer, sender.index, receiver.layer, receiver.index)
    found: Pair = {}
    for mode, scores in weights.items():
        found[f"{mode}_composition"] = number(scores.value[at])
        found[f"{mode}_z"] = number(scores.z[at])
    return found


def _null_of(
    path: Callable[[Head, Head], Tensor], senders: list[Head], receiver: Head, confidence: float
) -> tuple[float | None, float | None]:
    """Mean of the path effects of other senders, and below what another one of them would be.

    A prediction interval: a pair is compared with single random senders, not with their mean.
    """
    if len(senders) < 2:
        return None, None
    effects = torch.stack([path(sender, receiver).mean() for sender in senders])
    mean, _, high = further_draw(effects, confidence)
    return number(mean), number(high)
