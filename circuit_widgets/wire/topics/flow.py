"""What the view of information flow is told: routes from positions of the text to one output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from circuit_widgets.wire import packing
from circuit_widgets.wire.packing import Number, Packed
from circuit_widgets.wire.topics.shared import interval

_LIKELY = "What blocking it costs other tokens that were as likely as the target"


@dataclass(frozen=True)
class Edge:
    """From a position in one layer to a position in the next; no head: it stays where it is.

    `head` carries most of it, `part` of it from 0 to 1; `by` says in words what carries how much.
    """

    layer: int
    source: int
    target: int
    weight: float
    head: int | None
    part: Number = None
    by: str = ""


@dataclass(frozen=True)
class Path:
    """A route: the share of what is read that comes along it, and its steps."""

    weight: float
    steps: Sequence[Edge]


@dataclass(frozen=True)
class FlowSource:
    """A position that the output draws on, and what blocking it costs."""

    position: int
    route: Number
    rollout: Number
    route_low: Number
    route_high: Number
    knockout: Number
    knockout_low: Number
    knockout_high: Number
    likely: Number
    bound: Number
    confirmed: bool
    window: str


def routes_graph(edges: Sequence[Edge]) -> Packed:
    """Nodes are positions before each layer; an edge's share is of what is read at the end."""
    places = sorted(
        {(edge.layer, edge.source) for edge in edges}
        | {(edge.layer + 1, edge.target) for edge in edges}
    )
    row = {place: at for at, place in enumerate(places)}
    return packing.graph(
        "routes",
        [
            packing.whole("layer", [layer for layer, _ in places], "layer"),
            packing.positions("position", [position for _, position in places], "position"),
        ],
        [
            packing.whole("source", [row[edge.layer, edge.source] for edge in edges], "from"),
            packing.whole("target", [row[edge.layer + 1, edge.target] for edge in edges], "to"),
            packing.numbers("weight", [edge.weight for edge in edges], "share"),
            packing.heads("head", [_head(edge) for edge in edges], "strongest head"),
            packing.texts("by", [edge.by for edge in edges], "carried by"),
        ],
        title="Routes",
        about="The width of an edge is the share of the final residual stream that it carries.",
    )


def path_tables(paths: Sequence[Path]) -> list[Packed]:
    """The strongest paths, and their steps in order."""
    steps = [(at, step) for at, path in enumerate(paths) for step in path.steps]
    return [
        packing.table(
            "paths",
            [packing.numbers("weight", [path.weight for path in paths], "share")],
            title="Strongest paths",
            sort="weight",
        ),
        packing.table(
            "steps",
            [
                packing.whole("path", [at for at, _ in steps], "path"),
                packing.whole("layer", [step.layer for _, step in steps], "layer"),
                packing.positions("source", [step.source for _, step in steps], "from"),
                packing.positions("target", [step.target for _, step in steps], "to"),
                packing.heads("head", [_head(step) for _, step in steps], "strongest head"),
                packing.numbers("part", [step.part for _, step in steps], "its part of the step"),
            ],
            title="Steps of the paths",
        ),
    ]


def sources_table(sources: Sequence[FlowSource], *, which: str, measured: str, unit: str) -> Packed:
    """A row a position of the text; `which`: what its intervals are, "" for none."""
    route, knockout = (
        (
            [getattr(source, f"{name}_low") for source in sources],
            [getattr(source, f"{name}_high") for source in sources],
        )
        for name in ("route", "knockout")
    )
    return packing.table(
        "sources",
        [
            packing.positions("position", [source.position for source in sources], "position"),
            packing.numbers("route", [source.route for source in sources], "share by route"),
            *interval("route", *route, which),
            packing.numbers("rollout", [source.rollout for source in sources], "attention rollout"),
            packing.numbers(
                "knockout",
                [source.knockout for source in sources],
                "cost of blocking",
                unit=unit,
                about=f"Fall of the {measured} when attention to it is blocked",
            ),
            *interval("knockout", *knockout, which),
            packing.numbers(
                "likely",
                [source.likely for source in sources],
                "tokens as likely",
                about=_LIKELY,
                role="null",
                of="knockout",
            ),
            packing.numbers(
                "bound",
                [source.bound for source in sources],
                "bound of tokens as likely",
                about=_LIKELY,
                role="null_high",
                of="knockout",
            ),
            packing.flags(
                "confirmed", [source.confirmed for source in sources], "above both bounds"
            ),
            packing.texts(
                "window",
                [source.window for source in sources],
                "costs most in",
                about="The window of layers in which blocking it costs most, and that; not tested",
            ),
        ],
        title="Source positions of the output",
        sort="knockout",
    )


def _head(edge: Edge) -> tuple[int, int] | None:
    return None if edge.head is None else (edge.layer, edge.head)
