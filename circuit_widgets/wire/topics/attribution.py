"""What the view of attribution is told: what every part adds, or what is lost without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from circuit_widgets.wire import packing
from circuit_widgets.wire.packing import Number, Packed
from circuit_widgets.wire.topics.shared import interval


@dataclass(frozen=True)
class Part:
    """A head, an MLP or another part, with its number and the null of that."""

    name: str
    kind: str
    head: tuple[int, int] | None
    share: Number
    low: Number
    high: Number
    null_low: Number
    null_high: Number
    extreme_low: Number
    extreme_high: Number
    stands_out: bool


@dataclass(frozen=True)
class Words:
    """What the columns are called and mean.

    Attributes:
        label, about, unit: Of a part's number.
        interval: What its low and high are.
        null_label, null_about: What stands between the ends of the null.
        outside: What it takes to stand out.
    """

    label: str
    about: str
    unit: str
    interval: str
    null_label: str
    null_about: str
    outside: str


def parts_table(parts: Sequence[Part], words: Words) -> Packed:
    """A row a part, as given: the largest number first."""
    return packing.table(
        "parts",
        [
            packing.texts("name", [part.name for part in parts], "part", role="label"),
            packing.texts("kind", [part.kind for part in parts], "kind"),
            packing.heads("head", [part.head for part in parts], "head"),
            packing.numbers(
                "share",
                [part.share for part in parts],
                words.label,
                about=words.about,
                unit=words.unit,
            ),
            *interval("share", [p.low for p in parts], [p.high for p in parts], words.interval),
            packing.numbers(
                "null_low",
                [part.null_low for part in parts],
                words.null_label,
                about=words.null_about,
                role="null_low",
                of="share",
            ),
            packing.numbers(
                "null_high",
                [part.null_high for part in parts],
                words.null_label,
                about=words.null_about,
                role="null_high",
                of="share",
            ),
            packing.numbers("extreme_low", [part.extreme_low for part in parts], "extremes"),
            packing.numbers("extreme_high", [part.extreme_high for part in parts], "extremes"),
            packing.flags(
                "stands_out", [part.stands_out for part in parts], "bold", about=words.outside
            ),
        ],
        title="Parts by size",
    )
