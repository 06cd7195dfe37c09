"""Suggestions to prune, with their measured effect."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from circuit_widgets.analysis.optimization.curve import Point, scores_of
from circuit_widgets.analysis.optimization.results import (
    PRUNING,
    Optimizations,
    Suggestion,
)
from circuit_widgets.analysis.optimization.words import percent, rise_in_words, saving
from circuit_widgets.heads import Head
from circuit_widgets.results.score import Score
from circuit_widgets.wire.numbers import number

EXPECTED = "reduced_compute"
MEASURED = "rise of the loss on held-out texts, as a share"


def idle_heads(norm: Float[Tensor, "layer head"], threshold: float) -> list[Head]:
    """Heads whose output norm is below the threshold; no layer loses all of its heads.

    >>> import torch
    >>> idle_heads(torch.tensor([[0.1, 1.9], [0.2, 0.1]]), 0.3)
    [Head(layer=0, index=0), Head(layer=1, index=1)]
    """
    found = []
    for layer, row in enumerate(norm.nan_to_num(1).tolist()):
        low = sorted((value, index) for index, value in enumerate(row) if value < threshold)
        found += [Head(layer, index) for _, index in low[: len(row) - 1]]
    return sorted(found)


def pruning(found: Optimizations) -> list[Suggestion]:
    """The heads that can go within the tolerance; none if there are none."""
    at = found.chosen
    if not at:
        return []
    n_all = found.shape[0] * found.shape[1]
    interval, best = found.provenance.interval, float(found.best_random[at])
    said = (
        f"Without {found.sizes[at]} of {n_all} heads "
        f"{rise_in_words(found.rise, at, interval, best)}."
    )
    if at < len(found.costs):
        said += f" Sliced away, they save {saving(found.costs[0], found.costs[at], timed=False)}."
    return [_suggestion(found.heads(at), said, _numbers(found.rise, at), holds=True)]


def of_idle(point: Point, found: Optimizations) -> list[Suggestion]:
    """Heads that write next to nothing, as a set."""
    heads = point.heads
    if not heads:
        return []
    made = found.provenance
    _, rise = scores_of([point])
    numbers = _numbers(rise, 0)
    said = (
        f"{_counted(len(heads))} less than {percent(float(made.parameters['threshold']), 0)} of "
        f"{'its' if len(heads) == 1 else 'their'} layer's mean norm (idle). Without "
        f"{'it' if len(heads) == 1 else 'them'} "
        f"{rise_in_words(rise, 0, made.interval, point.best_random)}."
    )
    high, tolerance = numbers[2], float(made.parameters["tolerance"])
    # Without an interval nothing is known to be within it.
    holds = high <= tolerance
    return [_suggestion(tuple(map(str, heads)), said, numbers, holds=holds)]


def _counted(n: int) -> str:
    return "1 head writes" if n == 1 else f"{n} heads write"


def _numbers(rise: Score, at: int) -> list[float]:
    names = ("value", "low", "high", "control", "control_low", "control_high")
    parts = rise.tensors()
    return [float(parts[name][at]) for name in names]


def _suggestion(
    components: tuple[str, ...], said: str, numbers: list[float], *, holds: bool
) -> Suggestion:
    return Suggestion(
        PRUNING,
        components,
        said,
        EXPECTED,
        MEASURED,
        *map(number, numbers),
        tested=True,
        holds=holds,
    )
