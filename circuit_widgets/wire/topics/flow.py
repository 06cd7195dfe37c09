"""What the view of information flow is told."""

from __future__ import annotations

from circuit_widgets.wire.parts import Index, Message
from circuit_widgets.wire.topics.shared import Fact


class FlowEdge(Message, frozen=True):
    """From a position in one layer to a position in the next; no head: it stays where it is."""

    layer: Index
    source: Index
    target: Index
    weight: float
    head: Index | None


class FlowPath(Message, frozen=True):
    weight: float
    steps: list[FlowEdge]


class FlowSource(Message, frozen=True):
    """A position that the output draws on, and what cutting it off costs."""

    position: Index
    route: float | None
    rollout: float | None
    knockout: float | None
    low: float | None
    high: float | None
    confirmed: bool


class FlowTopic(Message, frozen=True, tag_field="kind", tag="flow"):
    """Routes from positions of the text to the output at one."""

    position: Index
    target: str
    facts: list[Fact]
    edges: list[FlowEdge]
    paths: list[FlowPath]
    sources: list[FlowSource]
