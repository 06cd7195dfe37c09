"""What the view of attention patterns is told."""

from __future__ import annotations

from circuit_widgets.wire.parts import Index, Message


class PatternKind(Message, frozen=True):
    """A class of attention patterns: a head is of it above the threshold and above its null."""

    name: str
    label: str
    description: str
    function: str
    score: str
    threshold: float


class PatternsTopic(Message, frozen=True, tag_field="kind", tag="patterns"):
    """Small pictures of every head: `rows` x `rows` uint8 a head, then a float32 scale each."""

    kinds: list[PatternKind]
    rows: Index
    tokens: Index
