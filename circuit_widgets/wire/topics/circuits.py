"""What the view of a circuit is told: its graph once, and at which sizes each edge is in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from circuit_widgets.wire import packing
from circuit_widgets.wire.packing import Number, Packed
from circuit_widgets.wire.topics.shared import Estimate as Estimate
from circuit_widgets.wire.topics.shared import estimates, interval

# One bit a size in a whole number of 32 bits, of which the last is the sign.
MOST_SIZES = 31


@dataclass(frozen=True)
class Node:
    """The embedding, a head, an MLP or the output; no head: it is none of these.

    `effect` is what faithfulness loses without it, with its interval; None: not measured. `part` is
    which of the model's parts it is, and `position` where it writes: one part is a node at each.
    """

    name: str
    layer: int
    head: tuple[int, int] | None
    part: int
    effect: Number = None
    low: Number = None
    high: Number = None
    position: int = 0


@dataclass(frozen=True)
class CircuitEdge:
    """From a node to a later one, which reads it by `by`: "q", "k", "v", "mlp" or "logits".

    `reader` is the first of `shared` parts that read as one (heads that share a key or value), and
    `target` is that part where it reads. `sizes` has bit i where it is in the circuit of size i.
    """

    source: int
    target: int
    reader: int
    shared: int
    by: str
    score: Number
    low: Number
    high: Number
    q: Number
    sizes: int


@dataclass(frozen=True)
class Carried:
    """How much of a part's attention at one position, `query`, is on another, `key`."""

    part: int
    query: int
    key: int
    attention: float


@dataclass(frozen=True)
class Size:
    """A circuit of one size, and how well it does. All three are shares, 1 being the model's."""

    edges: int
    components: int
    faithfulness: Estimate
    accuracy: Estimate
    without: Estimate


def circuit_graph(nodes: Sequence[Node], edges: Sequence[CircuitEdge], which: str) -> Packed:
    """The edges of circuits of all sizes; `which`: what intervals are."""
    low, high = [node.low for node in nodes], [node.high for node in nodes]
    return packing.graph(
        "circuit",
        [
            packing.texts("name", [node.name for node in nodes], "node", role="label"),
            packing.whole("row", [node.layer + 1 for node in nodes], "row, the embedding being 0"),
            packing.heads("head", [node.head for node in nodes], "head"),
            packing.whole("part", [node.part for node in nodes], "part of the model"),
            packing.positions("position", [node.position for node in nodes], "position"),
            packing.numbers(
                "effect",
                [node.effect for node in nodes],
                "effect",
                about="What faithfulness loses if the node is taken out of the circuit",
            ),
            *interval("effect", low, high, which),
        ],
        [
            packing.whole("source", [edge.source for edge in edges], "from"),
            packing.whole("target", [edge.target for edge in edges], "to"),
            packing.whole("reader", [edge.reader for edge in edges], "part that reads it"),
            packing.whole("shared", [edge.shared for edge in edges], "heads that read as one"),
            packing.texts("by", [edge.by for edge in edges], "read by"),
            packing.numbers(
                "score",
                [edge.score for edge in edges],
                "score",
                about="Mean over prompts; the scalar `meaning` says of what",
            ),
            *interval("score", [e.low for e in edges], [e.high for e in edges], which),
            packing.numbers("q", [edge.q for edge in edges], "q", role="q", of="score"),
            packing.whole("sizes", [edge.sizes for edge in edges], "sizes, a bit each"),
        ],
        title="Circuit",
        about="The width of a line is the size of its edge's score, its colour the sign.",
    )


def positions_blocks(roles: Sequence[str], moves: Sequence[Carried]) -> list[Packed]:
    """What the positions are, of a circuit by position, and from where to where heads carry."""
    columns = [
        packing.whole("part", [each.part for each in moves], "part of the model"),
        packing.positions("query", [each.query for each in moves], "query"),
        packing.positions("key", [each.key for each in moves], "key"),
        packing.numbers("attention", [each.attention for each in moves], "attention"),
    ]
    named = [packing.texts("role", roles, "position", role="label")]
    return [
        packing.table("positions", named, title="Positions"),
        packing.table("carried", columns, title="Attention between positions"),
    ]


def sizes_table(sizes: Sequence[Size], which: str) -> Packed:
    """A row a size, the smallest first."""
    columns = [
        packing.whole("edges", [size.edges for size in sizes], "edges"),
        packing.whole("components", [size.components for size in sizes], "heads and MLPs"),
    ]
    for name, label in (
        ("faithfulness", "faithfulness"),
        ("accuracy", "accuracy"),
        ("without", "faithfulness without the circuit"),
    ):
        columns += estimates(
            name,
            [getattr(size, name) for size in sizes],
            label,
            which,
            "random circuits",
            "one more random circuit",
        )
    return packing.table("sizes", columns, title="Circuits by size")
