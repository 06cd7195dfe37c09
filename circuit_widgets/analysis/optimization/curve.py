"""What the loss on held-out texts is without heads, beside random heads of the same layers."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from statistics import median
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.analysis.optimization.results import PrunedCost
from circuit_widgets.causal.metrics import next_token_logp
from circuit_widgets.causal.random_heads import matched_sets
from circuit_widgets.heads import Head
from circuit_widgets.models.pruned import model_cost, prune_heads
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import further_draw, mean_interval, ratio_interval
from circuit_widgets.statistics.robust import median_interval
from circuit_widgets.wire.numbers import number

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


class Losses:
    """Losses of some texts without heads, whose z is 0.

    >>> import circuit_widgets as cw
    >>> model = cw.load_model()
    >>> losses = Losses(model, [model.to_tokens("blue dog blue dog").repeat(2, 1)])
    >>> losses.without([Head(0, 0)]).shape
    torch.Size([2])
    """

    def __init__(self, model: TransformerBridge, batches: Sequence[Tensor]) -> None:
        self._model, self._batches = model, batches
        self._known: dict[tuple[Head, ...], Tensor] = {}

    def without(self, heads: Collection[Head] = ()) -> Float[Tensor, " text"]:
        """Mean over tokens, in nats."""
        gone = tuple(sorted(set(heads)))
        if gone not in self._known:
            edits = [capture.ablate(gone, by="zero")] if gone else []
            self._known[gone] = torch.cat(
                [
                    -next_token_logp(capture.run(self._model, ids, (), edits), ids).cpu()
                    for ids in self._batches
                ]
            )
        return self._known[gone]

    def rise(self, heads: Collection[Head]) -> float:
        """By which share the mean loss rises."""
        whole = float(self.without().mean())
        return float(self.without(heads).mean()) / whole - 1


class Point:
    """A set of heads that is gone, measured, beside random sets with as many in each layer.

    What is in question is the choice: a random set may share heads with it.
    """

    def __init__(
        self,
        held_out: Losses,
        scored: Losses,
        shape: tuple[int, int],
        heads: Sequence[Head],
        random: int,
        seed: int,
        confidence: float,
    ) -> None:
        self._held_out, self._scored, self.heads = held_out, scored, tuple(heads)
        self._confidence = confidence
        self._sets = matched_sets(shape, heads, random, seed, shared=True) if heads else []

    def run(self) -> Iterator[None]:
        """A step for each set."""
        self._held_out.without(self.heads)
        yield
        for each in self._sets:
            self._held_out.without(each)
            self._scored.without(each)
            yield

    @property
    def loss(self) -> Float[Tensor, 3]:
        """The mean with its interval, in nats."""
        return torch.stack(mean_interval(self._held_out.without(self.heads), self._confidence))

    @property
    def rise(self) -> Float[Tensor, 6]:
        """The share with its interval, and of the random sets the mean and where one more is."""
        whole = self._held_out.without()
        more = self._held_out.without(self.heads) - whole
        draws = torch.tensor([self._held_out.rise(each) for each in self._sets])
        own = ratio_interval(more, whole, self._confidence)
        return torch.stack([*own, *further_draw(draws, self._confidence)])

    @property
    def best_random(self) -> float:
        """The rise of the random set that was best on the other texts; NaN: there is none."""
        if not self._sets:
            return math.nan
        best = min(self._sets, key=self._scored.rise)
        return self._held_out.rise(best)


def scores_of(points: Sequence[Point]) -> tuple[Score, Score]:
    """The losses and rises of several points."""
    loss = torch.stack([point.loss for point in points], 1)
    value, low, high, *control = torch.stack([point.rise for point in points], 1)
    names = ("control", "control_low", "control_high")
    rise = Score(value, low=low, high=high, **dict(zip(names, control, strict=True)))
    return Score(loss[0], low=loss[1], high=loss[2]), rise


def within(rise: Score, tolerance: float) -> int:
    """The last point up to which the upper end of every interval is within the tolerance.

    Points are tested in their order until the first fails, so that several tests are no more often
    wrong than one (a fixed sequence: Maurer, Hothorn & Lehmacher 1995).

    >>> ends = {"low": torch.zeros(3), "high": torch.tensor([0.0, 0.004, 0.02])}
    >>> within(Score(torch.tensor([0.0, 0.002, 0.01]), **ends), 0.01)
    1
    """
    assert rise.high is not None
    held = (rise.high <= tolerance).tolist()
    held[0] = True
    return held.index(False) - 1 if False in held else len(held) - 1


def cost_of(
    model: TransformerBridge, heads: Sequence[Head], passes: int, confidence: float = 0.95
) -> PrunedCost:
    """What is left costs, after slicing; seconds are of both models by turns.

    Raises:
        ValueError: Heads of this model cannot be sliced away.
    """
    small = prune_heads(model, list(heads)) if heads else model
    cost = model_cost(small)
    counted = cost.parameters, cost.bytes, cost.cache_bytes
    if not passes:
        return PrunedCost(*counted)
    times = [
        [model_cost(each, passes=1).seconds or math.nan for each in (model, small)]
        for _ in range(passes)
    ]
    whole, seconds = (median(column) for column in zip(*times, strict=True))
    if not heads:
        return PrunedCost(*counted, seconds, whole)
    saved = median_interval([1 - less / more for more, less in times], confidence)
    return PrunedCost(*counted, seconds, whole, *map(number, saved))
