"""What the view of direct logit attribution is told: every part's share of a logit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from circuit_widgets.wire import packing
from circuit_widgets.wire.packing import Number, Packed
from circuit_widgets.wire.topics.shared import interval


@dataclass(frozen=True)
class Part:
    """A head, an MLP, the embedding or the biases, with its share and the null of that."""

    name: str
    kind: str
    head: tuple[int, int] | None
    share: Number
    low: Number
    high: Number
    null_low: Number
    null_high: Number


def parts_table(parts: Sequence[Part], which: str, null: str) -> Packed:
    """A row a part, as given: the largest share first.

    which: what the intervals are; null: what stands between the ends of the null.
    """
    return packing.table(
        "parts",
        [
            packing.texts("name", [part.name for part in parts], "part", role="label"),
            packing.texts("kind", [part.kind for part in parts], "kind"),
            packing.heads("head", [part.head for part in parts], "head"),
            packing.numbers("share", [part.share for part in parts], "share", unit="logit"),
            *interval("share", [p.low for p in parts], [p.high for p in parts], which),
            packing.numbers(
                "null_low",
                [part.null_low for part in parts],
                "null, low",
                about=null,
                role="null_low",
                of="share",
            ),
            packing.numbers(
                "null_high",
                [part.null_high for part in parts],
                "null, high",
                about=null,
                role="null_high",
                of="share",
            ),
        ],
        title="Parts by the size of their share",
    )
