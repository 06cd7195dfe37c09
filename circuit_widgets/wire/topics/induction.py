"""What the view of induction is told."""

from __future__ import annotations

from circuit_widgets.wire.parts import HeadIndex, Index, Message
from circuit_widgets.wire.topics.shared import Fact, Pictures


class Pair(Message, frozen=True):
    """A previous-token head and the induction head that may be made with it."""

    sender: HeadIndex
    receiver: HeadIndex
    q_z: float | None
    k_z: float | None
    v_z: float | None
    path: float | None
    low: float | None
    high: float | None
    null: float | None
    null_high: float | None
    confirmed: bool


class Repeat(Message, frozen=True):
    """A token that stood earlier, and what induction makes of it; lists go by head."""

    position: Index
    earlier: Index
    attention: list[float | None]
    chance: float
    added: list[float | None]
    added_chance: list[float | None]
    first_hop: list[float | None]
    probability: float
    predicted: bool
    follows: bool


class InductionTopic(Message, frozen=True, tag_field="kind", tag="induction"):
    """Induction: pairs of heads (null: not looked for yet), and the trace of a prompt.

    `length` tokens stand twice in the text, after `before` of them; 0: the text is no probe.
    """

    facts: list[Fact]
    pairs: list[Pair] | None
    length: Index
    before: Index
    heads: list[HeadIndex]
    previous: list[HeadIndex]
    repeats: list[Repeat]
    pictures: Pictures | None
