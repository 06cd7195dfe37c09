"""Scores of every head as a view gets them: one description each, and planes of float32."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.stream import messages as m

Plane = Float[Tensor, "layer head"]


@dataclass(frozen=True)
class HeadScore:
    """One score of every head, with what stands beside it. NaN: not computed."""

    name: str
    label: str
    about: str
    group: str
    source: str
    value: Plane
    chance: float | None = None
    control: Plane | None = None
    low: Plane | None = None
    high: Plane | None = None


def pack_scores(scores: Iterable[HeadScore]) -> tuple[m.ScoresInfo, bytes]:
    """The description and the planes, one after the other."""
    planes: list[Plane] = []

    def place(plane: Plane | None) -> int | None:
        if plane is None:
            return None
        planes.append(plane)
        return len(planes) - 1

    described = []
    for score in scores:
        finite = score.value[torch.isfinite(score.value)]
        most = max(1.0, float(finite.max())) if len(finite) else 1.0
        least = min(0.0, float(finite.min())) if len(finite) else 0.0
        value = place(score.value)
        assert value is not None
        described.append(
            m.Score(
                score.name,
                score.label,
                score.about,
                score.group,
                score.source,
                score.chance,
                least,
                most,
                value,
                place(score.control),
                place(score.low),
                place(score.high),
            )
        )
    data = b"".join(plane.float().cpu().numpy().tobytes() for plane in planes)
    return m.ScoresInfo(len(planes), described), data
