"""What the view of activation patching is told: the largest effects, and maps where by position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from circuit_widgets.wire import packing
from circuit_widgets.wire.packing import Number, Packed
from circuit_widgets.wire.topics.shared import interval


@dataclass(frozen=True)
class Part:
    """A head, or a place of the stream, with its effect, its share and its q."""

    name: str
    head: tuple[int, int] | None
    layer: int
    column: int
    effect: Number
    low: Number
    high: Number
    share: Number
    share_low: Number
    share_high: Number
    q: Number


def parts_table(parts: Sequence[Part], about: str, unit: str, which: str) -> Packed:
    """A row a part, the largest effect first; `about`: what an effect is, `which`: its interval."""
    return packing.table(
        "parts",
        [
            packing.texts("name", [part.name for part in parts], "patched", role="label"),
            packing.heads("head", [part.head for part in parts], "head"),
            packing.whole("layer", [part.layer for part in parts], "layer"),
            packing.whole("column", [part.column for part in parts], "head or position"),
            packing.numbers(
                "effect", [part.effect for part in parts], "effect", about=about, unit=unit
            ),
            *interval("effect", [p.low for p in parts], [p.high for p in parts], which),
            packing.numbers(
                "share",
                [part.share for part in parts],
                "share",
                about="The effect over clean minus corrupt",
            ),
            *interval("share", [p.share_low for p in parts], [p.share_high for p in parts], which),
            packing.numbers("q", [part.q for part in parts], "q", role="q", of="effect"),
        ],
        title="Largest effects",
    )


def places_table(
    labels: Sequence[str], tokens: Sequence[str], corrupt: Sequence[str], *, named: bool
) -> Packed:
    """A row a position: what it is called, and the two tokens of the first prompt."""
    return packing.table(
        "places",
        [
            packing.texts("label", labels, "role" if named else "token", role="label"),
            packing.texts("token", tokens, "clean"),
            packing.texts("corrupt", corrupt, "corrupt"),
        ],
        title="Positions",
    )


def place_map(name: str, values: Tensor, title: str, unit: str = "") -> Packed:
    """[layer, position]: an effect, a share or a q of each place."""
    finite = values[values.isfinite()]
    most = float(finite.abs().max()) if len(finite) else 1.0
    return packing.matrix(
        name,
        values,
        packing.layer_axis(values.shape[0], "layer"),
        packing.position_axis(values.shape[1], "position"),
        title=title,
        unit=unit,
        signed=name != "q",
        least=0.0 if name == "q" else -(most or 1.0),
        most=1.0 if name == "q" else most or 1.0,
    )
