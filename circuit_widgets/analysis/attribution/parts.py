"""Parts of a model with a number each: the largest of them, and those that stand out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from circuit_widgets.results.score import Score


class Part(NamedTuple):
    """A head, an MLP or another part, or heads together as one set, with its number."""

    name: str
    kind: str
    layer: int | None
    head: int | None
    score: Score


def largest(
    parts: Sequence[Part], n: int, ends: tuple[str, str]
) -> list[tuple[str, float, float, float]]:
    """The n largest numbers by size: (name, number, low, high), the last two of these names.

    >>> import torch
    >>> parts = [Part(str(i), "head", 0, i, Score(torch.tensor(float(i)))) for i in range(3)]
    >>> largest(parts, 1, ("low", "high"))
    [('2', 2.0, nan, nan)]
    """

    def number(score: Score, name: str) -> float:
        value = getattr(score, name)
        return math.nan if value is None else float(value)

    low, high = ends
    known = [
        (part.name, number(part.score, "value"), number(part.score, low), number(part.score, high))
        for part in parts
    ]
    return sorted((of for of in known if of[1] == of[1]), key=lambda of: -abs(of[1]))[:n]


def standing_out(parts: Sequence[Part]) -> list[str]:
    """Names of those whose number stands out, the largest by size first."""
    known = sorted(parts, key=lambda part: -abs(float(part.score.value.nan_to_num(0))))
    return [part.name for part in known if bool(part.score.stands_out())]
