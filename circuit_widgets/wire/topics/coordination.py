"""What the view of coordination is told."""

from __future__ import annotations

from circuit_widgets.wire.parts import HeadIndex, Index, Message


class Coordinated(Message, frozen=True):
    """Two heads that act together, and how: by intervention."""

    a: HeadIndex
    b: HeadIndex
    value: float | None
    q: float | None
    type: str
    sign: str
    path: float | None
    path_low: float | None
    path_high: float | None
    path_null_high: float | None
    interaction: float | None
    interaction_low: float | None
    interaction_high: float | None
    effect_a: float | None
    effect_b: float | None
    effect_ab: float | None


class CoordinationTopic(Message, frozen=True, tag_field="kind", tag="coordination"):
    """A matrix over heads in clustered order: float32 [n, n] of values, then of q values."""

    method: str
    signed: bool
    fdr: float
    heads: list[HeadIndex]
    order: list[Index]
    pairs: list[Coordinated]
