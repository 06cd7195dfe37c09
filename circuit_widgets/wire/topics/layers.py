"""What the view of flow between layers is told: parts of layers, flows, heads, and the evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from circuit_widgets.wire import packing
from circuit_widgets.wire.packing import Number, Packed
from circuit_widgets.wire.topics.shared import interval


@dataclass(frozen=True)
class Ends:
    """A value with its interval."""

    value: Number
    low: Number = None
    high: Number = None


@dataclass(frozen=True)
class Part:
    """The embedding, a layer's attention or MLP, or the output."""

    name: str
    layer: int
    kind: str


@dataclass(frozen=True)
class Flow:
    """From a part to a later one, by their row numbers; `exact` is None where it was not run."""

    source: int
    target: int
    strength: Ends
    exact: Number


@dataclass(frozen=True)
class Head:
    """A head, and what is lost without all that it writes."""

    head: tuple[int, int]
    strength: Ends


@dataclass(frozen=True)
class Level:
    """Layers that do alike, and between which layers it begins."""

    name: str
    first: int
    last: int
    first_low: int
    first_high: int


def flow_graph(parts: Sequence[Part], flows: Sequence[Flow], which: str) -> Packed:
    """The strongest flows first; `which`: what intervals are."""
    ends = [flow.strength for flow in flows]
    return packing.graph(
        "flow",
        [
            packing.texts("name", [part.name for part in parts], "part", role="label"),
            packing.whole("row", [part.layer + 1 for part in parts], "row, the embedding being 0"),
            packing.texts("kind", [part.kind for part in parts], "kind"),
        ],
        [
            packing.whole("source", [flow.source for flow in flows], "from"),
            packing.whole("target", [flow.target for flow in flows], "to"),
            packing.numbers("strength", [each.value for each in ends], "strength"),
            *interval("strength", [e.low for e in ends], [e.high for e in ends], which),
            packing.numbers("exact", [flow.exact for flow in flows], "by an exact run"),
        ],
        title="Flow between layers",
        about="The width of a line is the size of its strength, its colour the sign.",
    )


def heads_tables(
    heads: Sequence[Head], to: Float[Tensor, "head target"], targets: Sequence[str], which: str
) -> list[Packed]:
    """Every head, and to which parts it writes; NaN where it was not computed."""
    ends = [head.strength for head in heads]
    names = packing.head_axis([head.head for head in heads], "head")
    most = float(to.nan_to_num(0).abs().max()) if to.numel() else 0.0
    return [
        packing.table(
            "heads",
            [
                packing.heads("head", [head.head for head in heads], "head"),
                packing.numbers("strength", [each.value for each in ends], "strength"),
                *interval("strength", [e.low for e in ends], [e.high for e in ends], which),
            ],
            title="Heads",
        ),
        packing.matrix(
            "by_head",
            to,
            names,
            packing.text_axis(targets, "target"),
            title="What heads write to which parts",
            signed=True,
            least=-most,
            most=most,
        ),
    ]


def layers_table(
    levels: Sequence[str], features: Mapping[str, tuple[str, Sequence[Ends]]], which: str
) -> Packed:
    """A row a layer: the evidence for levels; features by name, each with its meaning."""
    columns = [
        packing.whole("layer", range(len(levels)), "layer"),
        packing.texts("level", levels, "level"),
    ]
    for name, (meaning, ends) in features.items():
        columns += [
            packing.numbers(name, [each.value for each in ends], name, about=meaning),
            *interval(name, [each.low for each in ends], [each.high for each in ends], which),
        ]
    return packing.table("layers", columns, title="Layers")


def levels_table(levels: Sequence[Level]) -> Packed:
    """A row a level; none where there are no levels."""
    return packing.table(
        "levels",
        [
            packing.texts("name", [level.name for level in levels], "level", role="label"),
            packing.whole("row", [level.first + 1 for level in levels], "first row"),
            packing.whole("last_row", [level.last + 1 for level in levels], "last row"),
            packing.whole("low", [level.first_low + 1 for level in levels], "begins from"),
            packing.whole("high", [level.first_high + 1 for level in levels], "begins up to"),
        ],
        title="Levels",
    )
