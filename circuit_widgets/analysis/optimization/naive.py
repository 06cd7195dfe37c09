"""The rules of the source, as they stand there: three measures, each held against a threshold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from circuit_widgets.analysis.optimization.results import (
    ARCHITECTURE,
    CAPACITY,
    PRUNING,
    Suggestion,
)

MISSING = "Nothing was tried: the source's rules look at similarities and at a graph."


def source_rules(measures: Mapping[str, Any], threshold: float = 0.3) -> list[Suggestion]:
    """Suggestions from measures, by the names that they have in the source.

    Args:
        measures: "redundancy" with "redundant_components", "bottlenecks", "coordination" with
            "poorly_coordinated"; what is missing suggests nothing.
        threshold: Redundancy above it suggests pruning, coordination below it another architecture.

    >>> measures = {"redundancy": 0.4, "redundant_components": ["0.1"], "bottlenecks": []}
    >>> [(each.kind, each.components) for each in source_rules(measures)]
    [('pruning', ('0.1',))]
    """
    found = []

    def suggest(kind: str, components: Any, evidence: str, expected: str) -> None:
        names = tuple(map(str, components))
        found.append(Suggestion(kind, names, evidence, expected, missing=MISSING))

    redundancy, coordination = measures.get("redundancy"), measures.get("coordination")
    if redundancy is not None and redundancy > threshold:
        said = f"Redundancy is {redundancy:.2f}, above {threshold:g}."
        suggest(PRUNING, measures.get("redundant_components", ()), said, "reduced_compute")
    if measures.get("bottlenecks"):
        said = "Much of the circuit goes through them."
        suggest(CAPACITY, measures["bottlenecks"], said, "reduced_bottleneck")
    if coordination is not None and coordination < threshold:
        said = f"Coordination is {coordination:.2f}, below {threshold:g}."
        worst = measures.get("poorly_coordinated", ())
        suggest(ARCHITECTURE, worst, said, "better_coordination")
    return found


def measures_of(circuit: Any, coordination: Any, threshold: float) -> dict[str, Any]:
    """The source's measures, which it does not define, in their simplest sense.

    Of similarities: redundancy is the mean over heads of the highest one with another head, and
    redundant is a head that has one above the threshold with an earlier head, or with one of its
    layer before it; coordination is the mean similarity, and poorly coordinated are heads whose
    mean similarity is below the threshold. Of a circuit: bottlenecks are nodes through which more
    than that share of all its shortest paths go (betweenness).
    """
    found: dict[str, Any] = {}
    if coordination is not None:
        size = coordination.value.abs().nan_to_num(0)
        n = len(size)
        found["redundancy"] = float(size.amax(1).mean()) if n else 0.0
        before = torch.tril(size, -1).amax(1) > threshold
        names = coordination.heads
        found["redundant_components"] = [names[at] for at in before.nonzero().flatten().tolist()]
        means = size.sum(1) / max(1, n - 1)
        found["coordination"] = float(means.mean()) if n else 0.0
        low = (means < threshold).nonzero().flatten().tolist()
        found["poorly_coordinated"] = [names[at] for at in low]
    if circuit is not None:
        import networkx

        between = networkx.betweenness_centrality(circuit.to_networkx())
        found["bottlenecks"] = [name for name, share in between.items() if share > threshold]
    return found
