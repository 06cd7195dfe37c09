"""The arguments of `compute_self_influence`, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from circuit_widgets.prompts.targets import Target


@dataclass(frozen=True)
class Settings:
    """The arguments of `compute_self_influence`, checked, as provenance keeps them.

    `draws` is how many there are at each position; None: all that can stand there.
    """

    position: Any
    target: Any
    metric: str
    draws: int | None
    seed: int
    generate: int
    all_pairs: bool
    batch: int
    confidence: float


@dataclass(frozen=True)
class SettingsOfSeveral(Settings):
    """Of several prompts: their ids, and of each the position and the target.

    A target is None where it is the model's own likeliest token.
    """

    position: tuple[int, ...]
    target: tuple[Target | None, ...]
    prompts: tuple[tuple[int, ...], ...]
