"""What several topics say."""

from __future__ import annotations

from circuit_widgets.wire.parts import Message, Pooling, Side, TilePart, Window


class Fact(Message, frozen=True):
    """A number about the model as a whole, with its interval and what it is compared with."""

    label: str
    about: str
    unit: str
    value: float | None
    low: float | None
    high: float | None
    null_label: str
    null: float | None


class Pictures(Message, frozen=True):
    """Heads' matrices that are there without a kernel: tiles in `topic_data`."""

    window: Window
    pooling: Pooling
    side: Side
    tiles: list[TilePart]
