"""Scores prompt by prompt and sequence by sequence, and the result they make so far."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.analysis.patterns.classes import COMPUTED, PatternClass
from circuit_widgets.analysis.patterns.nulls import (
    SPREAD,
    highest_on_prompts,
    highest_on_repeats,
    untrained_like,
)
from circuit_widgets.analysis.patterns.results import PROBED, AttentionPatterns
from circuit_widgets.attention.pictures import as_bytes
from circuit_widgets.attention.preferences import Preferences
from circuit_widgets.attention.shapes import (
    Compute,
    PatternScores,
    Pictures,
    bins,
    chances,
)
from circuit_widgets.heads import Head
from circuit_widgets.models.pruned import layers_with
from circuit_widgets.prompts.repeats import Layout
from circuit_widgets.prompts.tokens import Tokens
from circuit_widgets.results.provenance import Provenance
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import SHARE, score_of


class Samples:
    """One value for each score, prompt and head, as passes bring them in.

    Attributes:
        registered: The scores of classes that the user added.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        kinds: list[PatternClass],
        confidence: float,
        first: Tokens,
        missing: Sequence[Head] = (),
        preferred: Callable[[int], Preferences | None] = lambda n: None,
    ) -> None:
        # Of so many tokens, what heads of this architecture prefer.
        self._preferred = preferred
        self._shape, self._kinds = shape, kinds
        # Places of the grid in which a pruned model has no head.
        self._missing, self._n_heads = missing, math.prod(shape) - len(missing)
        self._confidence, self._first = confidence, first
        names = [kind.score for kind in kinds if kind.score in COMPUTED]
        self.registered: dict[str, Compute] = {name: COMPUTED[name] for name in names}
        self._names: list[str] = []
        self._values: list[Float[Tensor, "score prompt layer head"]] = []
        self._by_position: list[Float[Tensor, "prompt layer head bin"]] = []
        self._chances: list[tuple[int, dict[str, float]]] = []
        # What the highest of as many random heads would score.
        self._highest: list[tuple[int, dict[str, float]]] = []
        self._repeats: list[Float[Tensor, "score side sequence layer head"]] = []
        self._layout: Layout | None = None
        # Of each head, on the first prompt and on the first random sequence.
        self._pictures = {repeats: torch.zeros(*shape, 0, 0) for repeats in (False, True)}

    def add_prompts(self, chosen: list[int], tokens: Tensor, scores: PatternScores) -> None:
        """Put in the scores of a batch of prompts."""
        self._names = scores.names
        self._values.append(scores.values)
        self._by_position.append(scores.by_position)
        self._chances.append((len(chosen), chances(tokens, self.registered)))
        preferred = self._preferred(tokens.shape[1])
        bounds = highest_on_prompts(
            tokens, self._n_heads, self._confidence, self.registered, preferred
        )
        self._highest.append((len(chosen), bounds))
        layers = layers_with(scores.values.isnan().all(0).any(0), self._missing)
        if layers:
            warnings.warn(
                f"attention has values that are not numbers in layer {', '.join(map(str, layers))}"
                ": the scores they make are missing (NaN)",
                RuntimeWarning,
                stacklevel=2,
            )

    def add_repeats(
        self, means: Float[Tensor, "score side sequence layer head"], layout: Layout
    ) -> None:
        """Put in the scores of random tokens that repeat, and of their control."""
        self._repeats.append(means)
        self._layout = layout

    @property
    def repeats(self) -> int:
        """How many batches of random tokens that repeat have come in."""
        return len(self._repeats)

    def add_pictures(self, reducers: Sequence[Pictures], *, repeats: bool = False) -> None:
        """Put in a small picture of every head, if this batch had one to give."""
        for reducer in reducers:
            self._pictures[repeats] = reducer.pictures

    def result(self, made: Provenance) -> AttentionPatterns:
        """What has come in so far."""
        pictures, scale = self._thumbnails(repeats=False)
        on_repeats, repeats_scale = self._thumbnails(repeats=True)
        measured = {**self._of_prompts(), **self._of_repeats()}
        return AttentionPatterns(
            provenance=made,
            measured=measured,
            nulls=self._nulls(measured),
            n_prompts=sum(values.shape[1] for values in self._values),
            n_sequences=sum(part.shape[2] for part in self._repeats),
            entropy_by_position=torch.cat(self._by_position).nanmean(0),
            bins=bins(),
            thumbnails=pictures,
            thumbnail_scale=scale,
            thumbnail_tokens=self._first.strings,
            thumbnail_ids=tuple(self._first.ids[0].tolist()),
            classes=tuple(self._kinds),
            repeats_thumbnails=on_repeats,
            repeats_thumbnail_scale=repeats_scale,
            n_repeats_tokens=self._layout.n_tokens if self._layout and on_repeats.numel() else 0,
        )

    def _of_prompts(self) -> dict[str, Score]:
        values, chance = torch.cat(self._values, 1), _weighted(self._chances)
        return {
            name: score_of(
                values[i], None, self._confidence, chance[name], bounds=_bounds(values[i])
            )
            for i, name in enumerate(self._names)
        }

    def _nulls(self, measured: Mapping[str, Score]) -> dict[str, float]:
        """By class; of the scores that are not there yet there is none."""
        bounds = _weighted(self._highest)
        if untrained_like(measured["uniform"]):
            bounds |= dict.fromkeys(SPREAD, 1.0)
        if self._layout is not None:
            preferred = self._preferred(self._layout.n_tokens)
            bounds |= highest_on_repeats(self._layout, self._n_heads, self._confidence, preferred)
        return {kind.name: bounds[kind.score] for kind in self._kinds if kind.score in bounds}

    def _of_repeats(self) -> dict[str, Score]:
        if self._layout is None:
            missing = torch.full(self._shape, math.nan)
            parts = ("value", "low", "high", "control", "control_low", "control_high")
            nothing = Score(**dict.fromkeys(parts, missing), chance=torch.tensor(math.nan))
            return dict.fromkeys(PROBED, nothing)
        repeats = torch.cat(self._repeats, 2)
        return {
            name: score_of(
                repeats[i][0],
                repeats[i][1],
                self._confidence,
                self._layout.chance(name),
                bounds=SHARE,
            )
            for i, name in enumerate(PROBED)
        }

    def _thumbnails(self, *, repeats: bool) -> tuple[Tensor, Tensor]:
        """Bytes of each head's picture, and what 255 stands for."""
        seen = self._pictures[repeats]
        if not seen.numel():
            return seen.to(torch.uint8), torch.full(self._shape, math.nan)
        return as_bytes(seen)


def _weighted(parts: Sequence[tuple[int, Mapping[str, float]]]) -> dict[str, float]:
    """The mean over prompts of what some batches have."""
    total = sum(n for n, _ in parts)
    return {name: sum(n * of[name] for n, of in parts) / total for name in parts[0][1]}


def _bounds(values: Tensor) -> tuple[float, float] | None:
    """Scores are shares; one of the user's own need not be."""
    off = (values < -1e-4) | (values > 1 + 1e-4)
    return None if bool(off.any()) else SHARE
