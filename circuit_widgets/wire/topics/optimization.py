"""What the view of optimization is told: suggestions, and the points of the pruning curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from circuit_widgets.wire import packing
from circuit_widgets.wire.packing import Number, Packed
from circuit_widgets.wire.topics.shared import Estimate, estimates, interval


@dataclass(frozen=True)
class Row:
    """A suggestion. `head` is the first of its components that is a head; effects are percents."""

    kind: str
    components: tuple[str, ...]
    head: tuple[int, int] | None
    evidence: str
    missing: str
    state: str
    effect: Estimate


NOT_TIMED = Estimate(None)


@dataclass(frozen=True)
class PointRow:
    """A number of heads that are gone, and what that costs and saves; losses rise in percent."""

    heads: int
    rise: Estimate
    best_random: Number
    parameters: Number = None
    bytes: Number = None
    cache_bytes: Number = None
    seconds: Number = None
    whole_seconds: Number = None
    saved: Estimate = NOT_TIMED


def suggestions_table(rows: Sequence[Row], which: str) -> Packed:
    """A row a suggestion, in the order in which they are made; `which`: what intervals are."""
    return packing.table(
        "suggestions",
        [
            packing.texts("kind", [row.kind for row in rows], "suggestion", role="label"),
            packing.texts("components", [", ".join(row.components) for row in rows], "components"),
            packing.heads("head", [row.head for row in rows], "head"),
            packing.texts("evidence", [row.evidence for row in rows], "evidence"),
            packing.texts("missing", [row.missing for row in rows], "what is not known"),
            packing.texts("state", [row.state for row in rows], "tried"),
            *estimates(
                "value",
                [row.effect for row in rows],
                "effect",
                which,
                "random",
                "one more at random",
                unit="%",
            ),
        ],
        title="Suggestions",
    )


def points_table(points: Sequence[PointRow], which: str) -> Packed:
    """A row a point, from no head on."""

    def numbers(name: str, label: str, unit: str = "") -> packing.Made:
        return packing.numbers(name, [getattr(point, name) for point in points], label, unit=unit)

    return packing.table(
        "points",
        [
            packing.whole("heads", [point.heads for point in points], "heads pruned"),
            *estimates(
                "rise",
                [point.rise for point in points],
                "rise of the loss",
                which,
                "random heads",
                "one more random set",
                unit="%",
            ),
            numbers("best_random", "random set that was best on the other texts", "%"),
            numbers("parameters", "parameters"),
            numbers("bytes", "memory", "bytes"),
            numbers("cache_bytes", "KV cache", "bytes"),
            numbers("seconds", "a pass", "s"),
            numbers("whole_seconds", "a pass of the whole model", "s"),
            packing.numbers("saved", [point.saved.value for point in points], "saved", unit="%"),
            *interval(
                "saved",
                [point.saved.low for point in points],
                [point.saved.high for point in points],
                which,
            ),
        ],
        title="By the number of heads that are gone",
    )


def order_table(heads: Sequence[tuple[int, int]]) -> Packed:
    """The heads in the order in which they go."""
    return packing.table("order", [packing.heads("head", heads, "head")], title="Order")
