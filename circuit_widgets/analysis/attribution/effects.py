"""Effects of ablations, head by head or of a set, each beside random heads of the same layers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.analysis.attribution.ablation_results import HeadAblation
from circuit_widgets.causal.ablation import Ablation
from circuit_widgets.causal.measured import Read
from circuit_widgets.causal.random_heads import matched_sets
from circuit_widgets.heads import Head
from circuit_widgets.models.pruned import missing_heads
from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.results.provenance import Provenance
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import further_draw, mean_interval, ratio_interval

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

_PARTS = (
    *("value", "low", "high", "control", "control_low", "control_high"),
    *("extreme_low", "extreme_high"),
)


class Effects:
    """The effects so far. What a head is compared with is computed once for its layer."""

    def __init__(
        self,
        model: TransformerBridge,
        ablation: Ablation,
        corrupt: Float[Tensor, " prompt"] | None,
        chosen: Sequence[Head],
        settings: Any,
    ) -> None:
        self._shape = (model.cfg.n_layers, model.cfg.n_heads)
        self._ablation, self._chosen, self._settings = ablation, chosen, settings
        self._corrupt, self._missing = corrupt, missing_heads(model)
        self._known: dict[tuple[Head, ...], Float[Tensor, " prompt"]] = {}
        self._planes = {name: torch.full(self._shape, math.nan) for name in _PARTS}
        self._shares = {name: torch.full(self._shape, math.nan) for name in _PARTS[:3]}
        self._joint: Score | None = None
        self._joint_share: Score | None = None

    def steps(self) -> Iterator[int]:
        """How many of the heads, or of the one set, are done, after each."""
        if self._settings.together:
            self._joint, self._joint_share = self._scores(tuple(self._chosen), 1)
            yield 1
            return
        for done, head in enumerate(self._chosen, 1):
            score, share = self._scores((head,), math.prod(self._shape) - len(self._missing))
            for name, plane in self._planes.items():
                plane[head.layer, head.index] = getattr(score, name)
            for name, plane in self._shares.items() if share is not None else ():
                plane[head.layer, head.index] = getattr(share, name)
            yield done

    def _effect(self, heads: tuple[Head, ...]) -> Float[Tensor, " prompt"]:
        if heads not in self._known:
            self._known[heads] = self._ablation.effect(heads)
        return self._known[heads]

    def _scores(self, heads: tuple[Head, ...], n_like_it: int) -> tuple[Score, Score | None]:
        """One effect beside others that it decides by itself, whatever else was asked for.

        n_like_it: of how many effects the question could be asked (Bonferroni).
        """
        effect, confidence = self._effect(heads), self._settings.confidence
        value, low, high = mean_interval(effect, confidence)
        n, seed = self._settings.controls, self._settings.seed
        sets = matched_sets(self._shape, {*heads}, n, seed, self._missing)
        random = [self._effect(tuple(each)).mean() for each in sets]
        draws = torch.stack(random) if random else torch.empty(0)
        control, control_low, control_high = further_draw(draws, confidence)
        _, *extremes = further_draw(draws, 1 - (1 - confidence) / n_like_it)
        score = Score(value, None, control, low, high, control_low, control_high, *extremes)
        if self._corrupt is None:
            return score, None
        whole = self._ablation.clean - self._corrupt
        return score, Score(
            **dict(zip(_PARTS[:3], ratio_interval(effect, whole, confidence), strict=True))
        )

    def result(self, prompts: Prompts, read: Read, made: Provenance) -> HeadAblation:
        settings, confidence = self._settings, self._settings.confidence
        first = prompts.tokens[0]
        effect = self._joint
        share = self._joint_share
        if not settings.together:
            effect = Score(**{name: plane.clone() for name, plane in self._planes.items()})
            share = Score(**{name: plane.clone() for name, plane in self._shares.items()})
        assert effect is not None
        clean = Score(*_value_low_high(mean_interval(self._ablation.clean, confidence)))
        corrupt = None
        if self._corrupt is not None:
            corrupt = Score(*_value_low_high(mean_interval(self._corrupt, confidence)))
        return HeadAblation(
            provenance=made,
            tokens=first.strings,
            ids=tuple(first.ids[0].tolist()),
            position=read.places[0] if read.places else None,
            n_prompts=len(prompts),
            metric=read.name,
            measured=read.words,
            unit=read.unit,
            heads=tuple(map(str, self._chosen)),
            n_layers=self._shape[0],
            n_heads=self._shape[1],
            effect=effect,
            share=None if self._corrupt is None else share,
            clean=clean,
            corrupt=corrupt,
            n_all=math.prod(self._shape) - len(self._missing) if self._missing else None,
        )


def _value_low_high(parts: tuple[Tensor, Tensor, Tensor]) -> tuple[Any, ...]:
    value, low, high = parts
    return value, None, None, low, high
