"""What the view of optimization is told: suggestions, and the points of the pruning curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from circuit_widgets.wire import packing
from circuit_widgets.wire.packing import Number, Packed
from circuit_widgets.wire.topics.shared import interval


@dataclass(frozen=True)
class Row:
    """A suggestion. `head` is the first of its components that is a head; numbers are percents."""

    kind: str
    components: tuple[str, ...]
    head: tuple[int, int] | None
    evidence: str
    missing: str
    state: str
    value: Number
    low: Number
    high: Number
    null: Number
    null_low: Number
    null_high: Number


@dataclass(frozen=True)
class PointRow:
    """A number of heads that are gone, and what that costs and saves; losses rise in percent."""

    heads: int
    rise: Number
    low: Number
    high: Number
    null: Number
    null_low: Number
    null_high: Number
    best_random: Number
    parameters: Number = None
    bytes: Number = None
    cache_bytes: Number = None
    seconds: Number = None
    whole_seconds: Number = None


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
            packing.numbers("value", [row.value for row in rows], "effect", unit="%"),
            *interval("value", [row.low for row in rows], [row.high for row in rows], which),
            packing.numbers(
                "value_null", [row.null for row in rows], "random", role="null", of="value"
            ),
            packing.numbers(
                "value_null_low",
                [row.null_low for row in rows],
                "one more at random, lower end",
                role="null_low",
                of="value",
            ),
            packing.numbers(
                "value_null_high",
                [row.null_high for row in rows],
                "one more at random, upper end",
                role="null_high",
                of="value",
            ),
        ],
        title="Suggestions",
    )


def points_table(points: Sequence[PointRow], which: str) -> Packed:
    """A row a point, from no head on."""
    low, high = [point.low for point in points], [point.high for point in points]
    return packing.table(
        "points",
        [
            packing.whole("heads", [point.heads for point in points], "heads pruned"),
            packing.numbers("rise", [point.rise for point in points], "rise of the loss", unit="%"),
            *interval("rise", low, high, which),
            packing.numbers(
                "rise_null", [p.null for p in points], "random heads", role="null", of="rise"
            ),
            packing.numbers(
                "rise_null_low",
                [point.null_low for point in points],
                "one more random set, lower end",
                role="null_low",
                of="rise",
            ),
            packing.numbers(
                "rise_null_high",
                [point.null_high for point in points],
                "one more random set, upper end",
                role="null_high",
                of="rise",
            ),
            packing.numbers(
                "best_random", [point.best_random for point in points], "best random set", unit="%"
            ),
            packing.numbers("parameters", [point.parameters for point in points], "parameters"),
            packing.numbers("bytes", [point.bytes for point in points], "memory", unit="bytes"),
            packing.numbers(
                "cache_bytes", [point.cache_bytes for point in points], "KV cache", unit="bytes"
            ),
            packing.numbers("seconds", [point.seconds for point in points], "a pass", unit="s"),
            packing.numbers(
                "whole_seconds",
                [point.whole_seconds for point in points],
                "a pass of the whole model",
                unit="s",
            ),
        ],
        title="By the number of heads that are gone",
    )


def order_table(heads: Sequence[tuple[int, int]]) -> Packed:
    """The heads in the order in which they go."""
    return packing.table("order", [packing.heads("head", heads, "head")], title="Order")
