"""What several topics say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from circuit_widgets.wire import packing
from circuit_widgets.wire.packing import Made, Number, Packed


@dataclass(frozen=True)
class Fact:
    """A number about the model as a whole, with its interval and what it is compared with."""

    label: str
    about: str
    unit: str
    value: Number
    low: Number = None
    high: Number = None
    null_label: str = ""
    null: Number = None


def facts_table(facts: Sequence[Fact], interval: str = "") -> Packed:
    """A row a fact; each has its own unit. `interval`: which one, if they have any."""
    return packing.table(
        "facts",
        [
            packing.texts("label", [fact.label for fact in facts], "fact", role="label"),
            packing.texts("about", [fact.about for fact in facts], "meaning"),
            packing.texts("unit", [fact.unit for fact in facts], "unit"),
            packing.numbers("value", [fact.value for fact in facts], "value"),
            packing.numbers(
                "low", [fact.low for fact in facts], "low", about=interval, role="low", of="value"
            ),
            packing.numbers(
                "high",
                [fact.high for fact in facts],
                "high",
                about=interval,
                role="high",
                of="value",
            ),
            packing.texts("null_label", [fact.null_label for fact in facts], "baseline is"),
            packing.numbers(
                "null", [fact.null for fact in facts], "baseline", role="null", of="value"
            ),
        ],
        title="Of the model as a whole",
    )


def interval(name: str, low: Sequence[Number], high: Sequence[Number], about: str) -> list[Made]:
    """The ends of an estimate's interval: columns `name_low` and `name_high`.

    `about` is which one, as the page says it: a result's `provenance.interval`.
    """
    return [
        packing.numbers(f"{name}_low", low, "low", about=about, role="low", of=name),
        packing.numbers(f"{name}_high", high, "high", about=about, role="high", of=name),
    ]


@dataclass(frozen=True)
class Estimate:
    """A value with its interval, and what random ones have with where one more would be."""

    value: Number
    low: Number = None
    high: Number = None
    null: Number = None
    null_low: Number = None
    null_high: Number = None


def estimates(
    name: str,
    found: Sequence[Estimate],
    label: str,
    which: str,
    random: str,
    one_more: str,
    *,
    unit: str = "",
) -> list[Made]:
    """The columns of an estimate and of all that belongs to it.

    which: what intervals are. random, one_more: what the null is of, and one more of it.
    """
    return [
        packing.numbers(name, [each.value for each in found], label, unit=unit),
        *interval(name, [each.low for each in found], [each.high for each in found], which),
        packing.numbers(
            f"{name}_null", [each.null for each in found], random, role="null", of=name
        ),
        packing.numbers(
            f"{name}_null_low",
            [each.null_low for each in found],
            f"{one_more}, lower end",
            role="null_low",
            of=name,
        ),
        packing.numbers(
            f"{name}_null_high",
            [each.null_high for each in found],
            f"{one_more}, upper end",
            role="null_high",
            of=name,
        ),
    ]
