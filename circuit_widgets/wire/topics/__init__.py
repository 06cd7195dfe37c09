"""What each topic's view is told; one file a topic."""

from __future__ import annotations

from circuit_widgets.wire.topics.coordination import Coordinated, CoordinationTopic
from circuit_widgets.wire.topics.flow import FlowEdge, FlowPath, FlowSource, FlowTopic
from circuit_widgets.wire.topics.induction import InductionTopic, Pair, Repeat
from circuit_widgets.wire.topics.influence import InfluenceTopic, Measure, Output
from circuit_widgets.wire.topics.patterns import PatternKind, PatternsTopic
from circuit_widgets.wire.topics.shared import Fact, Pictures

Topic = InductionTopic | PatternsTopic | InfluenceTopic | FlowTopic | CoordinationTopic

__all__ = [
    "Coordinated",
    "CoordinationTopic",
    "Fact",
    "FlowEdge",
    "FlowPath",
    "FlowSource",
    "FlowTopic",
    "InductionTopic",
    "InfluenceTopic",
    "Measure",
    "Output",
    "Pair",
    "PatternKind",
    "PatternsTopic",
    "Pictures",
    "Repeat",
    "Topic",
]
